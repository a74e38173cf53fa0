"""Durations, sizes, percentages and status codes as people write them.

Each parser takes what YAML made of the value and raises ``ValueError`` with a message for the person who wrote it. A
number without a unit is refused where it could mean two things.
"""

from __future__ import annotations

import re

from proxy.config.wording import described

DURATION_PATTERN = r"[0-9]+(\.[0-9]+)?(ms|s|m|h)"
SIZE_PATTERN = r"[0-9]+(B|KB|MB|GB|KiB|MiB|GiB)?"
PERCENT_PATTERN = r"[0-9]+(\.[0-9]+)?%"
STATUS_PATTERN = r"[1-5][0-9][0-9]( *- *[1-5][0-9][0-9])?"

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}
_LONGEST = 720 * 3600.0
_BYTES = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30}
_LONGEST_NUMBER = 18
"""Digits; more is no size anyone has, and Python refuses to convert thousands of them."""


def parse_duration(value: object) -> float:
    """``500ms``, ``30s``, ``10m``, ``1h`` in seconds: more than zero, at most 30 days."""
    seconds = parse_duration_or_zero(value)
    if seconds <= 0:
        raise ValueError("must be longer than zero")
    return seconds


def parse_duration_or_zero(value: object) -> float:
    """A duration that may be none at all: ``0s``."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(f"must have a unit: write {value}s for seconds, {value}ms for milliseconds, or use m or h")
    match = re.fullmatch(rf"(?P<number>{DURATION_PATTERN})", value) if isinstance(value, str) else None
    if match is None:
        raise ValueError(f"must be a duration such as 500ms, 30s, 10m or 1h, not {described(value)}")
    unit = match[3]
    seconds = float(match["number"].removesuffix(unit)) * _SECONDS[unit]
    if seconds > _LONGEST:
        raise ValueError("must be at most 720h")
    return seconds


def parse_size(value: object) -> int:
    """``512``, ``64KiB``, ``10MB`` in bytes. KiB, MiB and GiB count in 1024, KB, MB and GB in 1000."""
    if isinstance(value, int) and not isinstance(value, bool) and value >= 0:
        return value
    match = re.fullmatch(SIZE_PATTERN, value) if isinstance(value, str) else None
    number = value.removesuffix(match[1] or "") if match and isinstance(value, str) else ""
    if match is None or len(number) > _LONGEST_NUMBER:
        units = "B, KB, MB, GB, KiB, MiB, GiB"
        raise ValueError(f"must be a size such as 512, 64KiB or 10MB (units: {units}), not {described(value)}")
    return int(number) * _BYTES[match[1] or ""]


def parse_percent(value: object) -> float:
    """``50%`` as a fraction: 0.5. From ``0%`` to ``100%``."""
    if isinstance(value, int | float) and not isinstance(value, bool):
        raise ValueError(f"must be a percentage with its sign, such as 20%, not {described(value)}")
    if not isinstance(value, str) or not re.fullmatch(PERCENT_PATTERN, value):
        raise ValueError(f"must be a percentage such as 20%, not {described(value)}")
    share = float(value.replace("%", "e-2"))  # and not divided: 99.9% is the very number that 0.999 is
    if share > 1:
        raise ValueError(f"must be between 0% and 100%, not {value}")
    return share


def parse_statuses(value: object) -> tuple[tuple[int, int], ...]:
    """``200-399``, ``200,204,300-399``, ``200`` or a list of these, as inclusive ranges in the order written."""
    items = value if isinstance(value, list) else value.split(",") if isinstance(value, str) else [value]
    ranges = tuple(_status_range(item) for item in items)
    if not ranges:
        raise ValueError("must name at least one status code")
    return ranges


def _status_range(value: object) -> tuple[int, int]:
    text = str(value).strip() if isinstance(value, int | str) and not isinstance(value, bool) else ""
    if not re.fullmatch(STATUS_PATTERN, text):
        raise ValueError(f"must be status codes from 100 to 599 such as 200-399 or 200,204, not {described(value)}")
    first, _, last = text.partition("-")
    low, high = int(first), int(last or first)
    if low > high:
        raise ValueError(f"the range {text} is empty; write {high}-{low}")
    return low, high
