"""The kinds of values that calls carry: for each, how it is checked and how the OpenAPI document tells of it."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from decimal import Decimal
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, WithJsonSchema
from pydantic_core import PydanticCustomError

from proxy.config.addresses import parse_tcp_address
from proxy.config.cookies import NAME_PATTERN
from proxy.config.matching import parse_probe_path
from proxy.config.units import (
    DURATION_PATTERN,
    PERCENT_PATTERN,
    SIZE_PATTERN,
    parse_duration,
    parse_duration_or_zero,
    parse_percent,
    parse_size,
)
from proxy.config.wording import described
from proxy.control.load_series import MOST_POINTS
from proxy.traffic.model import MAX_WEIGHT
from proxy.traffic.rollout.plan import Amount
from proxy.traffic.spec import AdminState, Color

LONGEST_WAIT = 600.0
"""Seconds that a call may wait for the end of an operation."""

MOST_SERVERS = 10_000
"""What a number of servers may be; a pool that has fewer has all of them meant."""

LAST_MOMENT = 253_402_300_799_999
"""The end of the year 9999, in milliseconds."""

_UNWANTED = frozenset({"Cc", "Cs", "Zl", "Zp"})
"""Control characters, halves of characters, line and paragraph separators: they would break logs and terminals."""

UNKNOWN_COLOR = "unknown_color"
"""The type of the error for a color that is none."""


def _color(value: object) -> Color:
    try:
        return Color(value)  # type: ignore[arg-type]
    except ValueError:
        raise PydanticCustomError(UNKNOWN_COLOR, "must be blue or green") from None


def _address(value: object) -> str:
    """``host:port`` in its one spelling."""
    return str(parse_tcp_address(value))


def _percent(value: object) -> int:
    """A number of percent as hundredths."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 100:
        raise ValueError(f"must be a number from 0 to 100, not {described(value)}")
    hundredths = Decimal(repr(value)) * 100
    if hundredths != int(hundredths):
        raise ValueError(f"must have at most two decimals, not {described(value)}")
    return int(hundredths)


def _header(value: object) -> str:
    if not isinstance(value, str) or not re.fullmatch(NAME_PATTERN, value):
        raise ValueError(f"must be the name of a header such as X-App-Version, not {described(value)}")
    return value


def _amount(least: int) -> Callable[[object], Amount]:
    def parse(value: object) -> Amount:
        if isinstance(value, str):
            share = parse_percent(value)
            if share == 0 and least:
                raise ValueError("must be more than 0%")
            return Amount(share=share)
        if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= MOST_SERVERS:
            raise ValueError(f"must be a number of servers from {least}, or a percentage such as 25%")
        return Amount(count=value)

    return parse


def _reason(value: str) -> str:
    if any(unicodedata.category(character) in _UNWANTED for character in value):
        raise ValueError("must have no control characters and no line breaks")
    return value


def _wait(value: object) -> float:
    """Seconds, at most :data:`LONGEST_WAIT`; unlike other durations it may be zero."""
    return min(parse_duration_or_zero(value), LONGEST_WAIT)


def _flag(value: object) -> bool:
    """Spelled out, so that nothing is changed by somebody who meant ``?dry_run=1``."""
    if value not in ("true", "false", True, False):
        raise ValueError(f"must be true or false, not {described(value)}")
    return value in ("true", True)


def _number(low: int, high: int) -> Callable[[object], int]:
    def parse(value: object) -> int:
        text = str(value)
        if not re.fullmatch(r"[0-9]{1,18}", text, re.ASCII) or not low <= int(text) <= high:
            raise ValueError(f"must be a whole number from {low} to {high}, not {described(value)}")
        return int(text)

    return parse


def _in_query(parse: Callable[[object], Any], **schema: Any) -> tuple[BeforeValidator, WithJsonSchema]:
    return BeforeValidator(parse), WithJsonSchema(schema)


AnyColor = Annotated[
    Color, BeforeValidator(_color), WithJsonSchema({"type": "string", "enum": [color.value for color in Color]})
]
_DURATION = WithJsonSchema(
    {"type": "string", "pattern": f"^({DURATION_PATTERN})$", "examples": ["500ms", "30s", "10m"]}
)
Size = Annotated[
    int, BeforeValidator(parse_size), WithJsonSchema({"type": ["integer", "string"], "pattern": f"^({SIZE_PATTERN})$"})
]


def _amount_schema(least: int) -> WithJsonSchema:
    share = {"type": ["integer", "string"], "minimum": least, "maximum": MOST_SERVERS}
    return WithJsonSchema({**share, "pattern": f"^({PERCENT_PATTERN})$", "examples": [1, "25%"]})


SomeServers = Annotated[Amount, BeforeValidator(_amount(1)), _amount_schema(1)]
AnyServers = Annotated[Amount, BeforeValidator(_amount(0)), _amount_schema(0)]
HeaderName = Annotated[
    str, BeforeValidator(_header), WithJsonSchema({"type": "string", "pattern": f"^{NAME_PATTERN}$"})
]
ProbePath = Annotated[
    str, BeforeValidator(parse_probe_path), WithJsonSchema({"type": "string", "pattern": "^/[!-~]*$"})
]
Duration = Annotated[float, BeforeValidator(parse_duration), _DURATION]
Pause = Annotated[float, BeforeValidator(parse_duration_or_zero), _DURATION]
Will = Annotated[AdminState, Field(strict=False)]
Address = Annotated[
    str, BeforeValidator(_address), WithJsonSchema({"type": "string", "examples": ["127.0.0.1:9001", "[::1]:9001"]})
]
Weight = Annotated[int, Field(ge=0, le=MAX_WEIGHT)]
Percent = Annotated[
    int,
    BeforeValidator(_percent),
    WithJsonSchema(
        {"type": "number", "minimum": 0, "maximum": 100, "description": "Percent, with at most two decimals."}
    ),
]
Reason = Annotated[
    str,
    Field(max_length=500, json_schema_extra={"pattern": r"^[^\u0000-\u001f\u007f-\u009f\u2028\u2029]*$"}),
    AfterValidator(_reason),
]

_FLAG = _in_query(_flag, type="boolean", default=False)
Flag = Annotated[bool, *_FLAG]
_WAIT = _in_query(_wait, type="string", pattern=f"^({DURATION_PATTERN})$", examples=["30s"])
Wait = Annotated[float, *_WAIT]
_LIMIT = _in_query(_number(1, 500), type="integer", minimum=1, maximum=500, default=50)
Limit = Annotated[int, *_LIMIT]
_MANY = _in_query(_number(1, 1_000), type="integer", minimum=1, maximum=1_000, default=100)
Many = Annotated[int, *_MANY]
_MOMENT = _in_query(_number(0, LAST_MOMENT), type="integer", minimum=0, maximum=LAST_MOMENT, examples=[1767225600000])
Moment = Annotated[int, *_MOMENT]
_ENTRY = _in_query(_number(0, 10**18 - 1), type="integer", minimum=0, maximum=10**18 - 1)
EntryId = Annotated[int, *_ENTRY]
_POINTS = _in_query(_number(1, MOST_POINTS), type="integer", minimum=1, maximum=MOST_POINTS, default=MOST_POINTS)
Points = Annotated[int, *_POINTS]
_PAGE = _in_query(_number(1, 10**6), type="integer", minimum=1, maximum=10**6, default=1)
PageNumber = Annotated[int, *_PAGE]
