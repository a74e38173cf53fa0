from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.expand import expand

ENVIRON = {"HOST": "example.com", "EMPTY": "", "SLY": "${HOST} $$ *x"}


@pytest.mark.parametrize(
    ("text", "expanded"),
    [
        ("plain", "plain"),
        ("${HOST}", "example.com"),
        ("a-${HOST}-${HOST}:80", "a-example.com-example.com:80"),
        ("${HOST:-other}", "example.com"),
        ("${NONE:-other}", "other"),
        ("${NONE:-}", ""),
        ("${EMPTY}", ""),
        ("${EMPTY:-other}", "other"),
        ("${NONE:-127.0.0.1:80}", "127.0.0.1:80"),
        ("$${HOST}", "${HOST}"),
        ("$$", "$"),
        ("$HOST costs 5$", "$HOST costs 5$"),
        ("${SLY}", "${HOST} $$ *x"),
    ],
)
def test_variables(text: str, expanded: str) -> None:
    """Variables are put in once; what they hold is not expanded again."""
    assert expand(text, ENVIRON) == expanded


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("${NONE}", "the environment variable NONE is not set; set it, or write ${NONE:-default}"),
        ("${}", "'${}' cannot be read; write ${NAME} or ${NAME:-default}, and $$ for a plain $"),
        ("${HOST", "'${HOST' cannot be read; write ${NAME} or ${NAME:-default}, and $$ for a plain $"),
        ("${HO ST}", "'${HO ST}' cannot be read; write ${NAME} or ${NAME:-default}, and $$ for a plain $"),
        ("${HOST:+x}", "'${HOST:+x}' cannot be read; write ${NAME} or ${NAME:-default}, and $$ for a plain $"),
        ("${A:-${B}}", "'${A:-${B}' cannot be read; write ${NAME} or ${NAME:-default}, and $$ for a plain $"),
    ],
)
def test_what_cannot_be_expanded(text: str, message: str) -> None:
    """A missing variable is never silently empty, and a reference that is not understood never passes as text."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared whole
        expand(text, ENVIRON)
    assert str(caught.value) == message


def test_all_missing_variables_are_named_at_once() -> None:
    """Two missing variables in one value are one message that names both."""
    with pytest.raises(ValueError, match=r"variable A is not set.*; the environment variable B is not set"):
        expand("${A}:${B}", {})


@given(st.text())
def test_escaped_text_comes_out_as_it_was(text: str) -> None:
    """Doubling every dollar sign makes any text safe."""
    assert expand(text.replace("$", "$$"), {}) == text
