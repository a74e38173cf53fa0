from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.units import parse_duration, parse_percent, parse_size, parse_statuses

ANY_VALUE = st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.lists(st.integers() | st.text())


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("500ms", 0.5),
        ("1ms", 0.001),
        ("30s", 30.0),
        ("1.5s", 1.5),
        ("10m", 600.0),
        ("1h", 3600.0),
        ("720h", 2_592_000.0),
    ],
)
def test_durations(text: str, seconds: float) -> None:
    """A number with its unit is that many seconds."""
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (30, "must have a unit: write 30s for seconds, 30ms for milliseconds, or use m or h"),
        (1.5, "must have a unit: write 1.5s for seconds, 1.5ms for milliseconds, or use m or h"),
        ("30", "must be a duration such as 500ms, 30s, 10m or 1h, not '30'"),
        ("30S", "must be a duration such as 500ms, 30s, 10m or 1h, not '30S'"),
        ("1h30m", "must be a duration such as 500ms, 30s, 10m or 1h, not '1h30m'"),
        ("-1s", "must be a duration such as 500ms, 30s, 10m or 1h, not '-1s'"),
        ("infs", "must be a duration such as 500ms, 30s, 10m or 1h, not 'infs'"),
        ("3٣s", "must be a duration such as 500ms, 30s, 10m or 1h, not '3٣s'"),
        ("30s\n", r"must be a duration such as 500ms, 30s, 10m or 1h, not '30s\n'"),
        (True, "must be a duration such as 500ms, 30s, 10m or 1h, not true"),
        (None, "must be a duration such as 500ms, 30s, 10m or 1h, not nothing (null)"),
        ("0s", "must be longer than zero"),
        ("0.0ms", "must be longer than zero"),
        ("721h", "must be at most 720h"),
        ("9" * 5000 + "h", "must be at most 720h"),
    ],
)
def test_what_is_no_duration(value: object, message: str) -> None:
    """Everything else is refused with what to write instead."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared whole
        parse_duration(value)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("value", "size"),
    [(0, 0), (512, 512), ("512", 512), ("1B", 1), ("1KB", 1000), ("64KiB", 65536), ("10MB", 10**7), ("2GiB", 2**31)],
)
def test_sizes(value: object, size: int) -> None:
    """KiB counts in 1024, KB in 1000, a bare number in bytes."""
    assert parse_size(value) == size


@pytest.mark.parametrize(
    "value", ["10mb", "64 KiB", "1.5MB", "-1", -1, 1.5, True, None, [], "", "KiB", "9" * 5000, "1K"]
)
def test_what_is_no_size(value: object) -> None:
    """Everything else is refused, and the units are named."""
    with pytest.raises(ValueError, match=r"^must be a size such as 512, 64KiB or 10MB \(units: B, KB, MB, GB, KiB"):
        parse_size(value)


@pytest.mark.parametrize(("text", "fraction"), [("0%", 0.0), ("12.5%", 0.125), ("50%", 0.5), ("100%", 1.0)])
def test_percentages(text: str, fraction: float) -> None:
    """A percentage is a fraction of one."""
    assert parse_percent(text) == fraction


@pytest.mark.parametrize(
    ("value", "message"),
    [
        (0.5, "must be a percentage with its sign, such as 20%, not 0.5"),
        (50, "must be a percentage with its sign, such as 20%, not 50"),
        ("50", "must be a percentage such as 20%, not '50'"),
        ("-1%", "must be a percentage such as 20%, not '-1%'"),
        ("nan%", "must be a percentage such as 20%, not 'nan%'"),
        (True, "must be a percentage such as 20%, not true"),
        ("100.01%", "must be between 0% and 100%, not 100.01%"),
    ],
)
def test_what_is_no_percentage(value: object, message: str) -> None:
    """0.5 could be half or half a percent: the sign is asked for."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared whole
        parse_percent(value)
    assert str(caught.value) == message


@pytest.mark.parametrize(
    ("value", "ranges"),
    [
        ("200-399", ((200, 399),)),
        ("200,204,300-399", ((200, 200), (204, 204), (300, 399))),
        ("200 - 299, 404", ((200, 299), (404, 404))),
        (204, ((204, 204),)),
        ([200, "300-399"], ((200, 200), (300, 399))),
    ],
)
def test_status_codes(value: object, ranges: tuple[tuple[int, int], ...]) -> None:
    """Single codes, ranges, and both in text or in a list."""
    assert parse_statuses(value) == ranges


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("399-200", "the range 399-200 is empty; write 200-399"),
        ("2xx", "must be status codes from 100 to 599 such as 200-399 or 200,204, not '2xx'"),
        ("200,", "must be status codes from 100 to 599 such as 200-399 or 200,204, not ''"),
        (600, "must be status codes from 100 to 599 such as 200-399 or 200,204, not 600"),
        (True, "must be status codes from 100 to 599 such as 200-399 or 200,204, not true"),
        ([], "must name at least one status code"),
    ],
)
def test_what_is_no_status_code(value: object, message: str) -> None:
    """Everything else is refused with what to write instead."""
    with pytest.raises(ValueError) as caught:  # noqa: PT011 - the message is compared whole
        parse_statuses(value)
    assert str(caught.value) == message


@given(ANY_VALUE)
def test_any_value_is_parsed_or_refused(value: object) -> None:
    """Whatever YAML may hold gives a number in range or a ValueError, and never anything else."""
    for parse in (parse_duration, parse_size, parse_percent):
        with contextlib.suppress(ValueError):
            assert 0 <= parse(value) < float("inf")
    with contextlib.suppress(ValueError):
        assert all(100 <= low <= high <= 599 for low, high in parse_statuses(value))
