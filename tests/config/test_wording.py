from __future__ import annotations

import pytest

from proxy.config.wording import described, listing, suggestion


@pytest.mark.parametrize(
    ("value", "words"),
    [
        (None, "nothing (null)"),
        (True, "true"),
        (False, "false"),
        ({}, "a mapping"),
        ([], "a list"),
        (7, "7"),
        (1.5, "1.5"),
        ("x", "'x'"),
        ("line\nbreak", r"'line\nbreak'"),
    ],
)
def test_values_are_described_in_the_words_of_yaml(value: object, words: str) -> None:
    """Nobody who writes YAML has to know what None or a dict is, and no value breaks the line."""
    assert described(value) == words


def test_a_long_value_is_cut() -> None:
    """A value of any length leaves the message readable."""
    words = described("x" * 10_000)
    assert len(words) == 60
    assert words.endswith("...'")


def test_the_nearest_word_is_suggested() -> None:
    """A typing error leads to the word that was meant; something else entirely to none."""
    assert suggestion("limts", ("listen", "limits")) == "limits"
    assert suggestion("LIMITS", ("listen", "limits")) == "limits"
    assert suggestion("zebra", ("listen", "limits")) is None


def test_listing_reads_like_a_sentence() -> None:
    """One, two and three words."""
    assert listing(["a"]) == "a"
    assert listing(["a", "b"]) == "a or b"
    assert listing(["a", "b", "c"], last="and") == "a, b and c"
