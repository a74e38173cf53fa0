from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.scalars import resolve


@pytest.mark.parametrize("text", ["on", "off", "yes", "no", "y", "n", "On", "NO", "tRUE"])
def test_only_true_and_false_are_booleans(text: str) -> None:
    """The other words for yes and no are text."""
    assert resolve(text) == text


@pytest.mark.parametrize(
    "text",
    ["0755", "0o17", "0x1F", "0b1", "1_000", "12:30", "12:30:45", "2026-01-01", "-", "+", ".", "e1", "1e", "1.2.3"],
)
def test_what_only_looks_like_a_number_is_text(text: str) -> None:
    """Octal, sexagesimal and dates are what YAML 1.1 makes of ports, times and versions; here they stay as written."""
    assert resolve(text) == text


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("FALSE", False),
        ("0", 0),
        ("-12", -12),
        ("+7", 7),
        ("1.5", 1.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("-1.5E-1", -0.15),
        (".inf", math.inf),
        ("-.inf", -math.inf),
    ],
)
def test_plain_values(text: str, value: object) -> None:
    """The core schema of YAML 1.2."""
    resolved = resolve(text)
    assert resolved == value
    assert type(resolved) is type(value)


def test_not_a_number() -> None:
    """.nan is a number to YAML; whoever takes it must refuse it by name."""
    assert math.isnan(resolve(".nan"))  # type: ignore[arg-type]


def test_thousands_of_digits_are_text() -> None:
    """Python refuses to convert them, and no setting has that many."""
    assert resolve("9" * 5000) == "9" * 5000


@given(st.text(alphabet="+-.0123456789eEinfatruINF_:~"))
def test_anything_resolves(text: str) -> None:
    """No scalar raises."""
    resolve(text)


@given(st.integers(min_value=-(10**17), max_value=10**17))
def test_whole_numbers_come_back(number: int) -> None:
    """What Python writes of a whole number is read as the same one."""
    assert resolve(str(number)) == number
