"""The kinds of values that the config knows: for each, how it is checked and how editors are told of it."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field, WithJsonSchema

from proxy.config import cookies, matching, units
from proxy.config.addresses import Address, TcpAddress, parse_address, parse_tcp_address
from proxy.config.files import parse_path
from proxy.config.wording import described
from proxy.traffic.model import MAX_WEIGHT

_VARIABLE = r"\$\{"
_MOST_WORKERS = 1024
_LEAST_CONFIDENCE = 0.9


def _text(pattern: str, *examples: str) -> WithJsonSchema:
    """Text of this form, or with a variable in it that only the program can expand."""
    return WithJsonSchema({"type": "string", "pattern": f"^({pattern})$|{_VARIABLE}", "examples": list(examples)})


def by_default(written: object) -> Any:
    """A default as users write it; it goes through the same checks as theirs."""
    return Field(default=written, validate_default=True)


def _parse_workers(value: object) -> int | None:
    if value == "auto" or value is None:
        return None
    if not isinstance(value, int) or isinstance(value, bool) or not 1 <= value <= _MOST_WORKERS:
        raise ValueError(f"must be auto or a whole number from 1 to {_MOST_WORKERS}, not {described(value)}")
    return value


def whole_upstream(value: object) -> object:
    """``host:port`` is short for an upstream with every default."""
    if isinstance(value, str):
        return {"address": value}
    if not isinstance(value, dict):
        raise ValueError(f"must be host:port, or a mapping with address and weight, not {described(value)}")
    return value


def whole_listener(value: object) -> object:
    """An address is short for a listener with every default."""
    if isinstance(value, dict):
        return value
    if not isinstance(value, str):
        raise ValueError(
            "must be an address such as 0.0.0.0:8080, [::]:8080 or unix:PATH, "
            f"or a mapping with address and proxy_protocol, not {described(value)}"
        )
    return {"address": value}


def _only_null(value: object) -> None:
    if value is not None:
        raise ValueError("not supported yet; leave it out or write null")


def _parse_confidence(value: object) -> float:
    share = units.parse_percent(value)
    if not _LEAST_CONFIDENCE <= share < 1:
        raise ValueError(f"must be at least 90% and less than 100%, not {value}")
    return share


_STATUS = units.STATUS_PATTERN
_STATUS_ITEM = {
    "anyOf": [{"type": "integer", "minimum": 100, "maximum": 599}, {"type": "string", "pattern": f"^{_STATUS}$"}]
}
_STATUS_LIST = {"type": "array", "items": _STATUS_ITEM, "minItems": 1}
_STATUS_TEXT = {"type": "string", "pattern": rf"^ *{_STATUS} *(, *{_STATUS} *)*$|{_VARIABLE}"}

Duration = Annotated[
    float, BeforeValidator(units.parse_duration), _text(units.DURATION_PATTERN, "500ms", "30s", "10m", "1h")
]
DurationOrZero = Annotated[
    float, BeforeValidator(units.parse_duration_or_zero), _text(units.DURATION_PATTERN, "0s", "10m", "1h")
]
_SIZE_SCHEMA = {
    "anyOf": [
        {"type": "integer", "minimum": 0},
        {"type": "string", "pattern": f"^({units.SIZE_PATTERN})$|{_VARIABLE}", "examples": ["64KiB", "10MB"]},
    ]
}
Size = Annotated[int, BeforeValidator(units.parse_size), WithJsonSchema(_SIZE_SCHEMA)]
Percent = Annotated[float, BeforeValidator(units.parse_percent), _text(units.PERCENT_PATTERN, "20%")]
Confidence = Annotated[float, BeforeValidator(_parse_confidence), _text(units.PERCENT_PATTERN, "99.9%")]
Statuses = Annotated[
    tuple[tuple[int, int], ...],
    BeforeValidator(units.parse_statuses),
    WithJsonSchema({"anyOf": [_STATUS_ITEM["anyOf"][0], _STATUS_TEXT, _STATUS_LIST]}),
]
Weight = Annotated[int, Field(ge=0, le=MAX_WEIGHT)]
Count = Annotated[int, Field(ge=1, le=1_000_000)]
Workers = Annotated[
    int | None,
    BeforeValidator(_parse_workers),
    WithJsonSchema({"anyOf": [{"const": "auto"}, {"type": "integer", "minimum": 1, "maximum": _MOST_WORKERS}]}),
]
ListenAddress = Annotated[
    Address, BeforeValidator(parse_address), _text(r".+:[0-9]+|unix:.+", "0.0.0.0:8080", "[::]:8080", "unix:front.sock")
]
UpstreamAddress = Annotated[
    TcpAddress, BeforeValidator(parse_tcp_address), _text(r".+:[0-9]+", "127.0.0.1:9001", "[::1]:9001")
]
FilePath = Annotated[str, BeforeValidator(parse_path), WithJsonSchema({"type": "string", "minLength": 1})]
TokenName = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._@-]{0,62}$")]
Network = Annotated[
    str, BeforeValidator(matching.parse_network), WithJsonSchema({"type": "string", "examples": ["10.0.0.0/8"]})
]
HostPattern = Annotated[
    str,
    BeforeValidator(matching.parse_host_pattern),
    WithJsonSchema({"type": "string", "examples": ["*", "*.example.com"]}),
]
PathPrefix = Annotated[str, BeforeValidator(matching.parse_path_prefix), _text("/.*", "/", "/api")]
ProbePath = Annotated[str, BeforeValidator(matching.parse_probe_path), _text("/.*", "/healthz")]
ProbeHost = Annotated[str, BeforeValidator(matching.parse_probe_host), WithJsonSchema({"type": "string"})]
ServiceName = Annotated[str, BeforeValidator(matching.parse_service_name)]

NotSupportedYet = Annotated[None, BeforeValidator(_only_null), WithJsonSchema({"const": None})]
CookieName = Annotated[str, BeforeValidator(cookies.parse_cookie_name), _text(cookies.NAME_PATTERN, "bg_user")]
HeaderName = Annotated[str, BeforeValidator(cookies.parse_header_name), _text(cookies.NAME_PATTERN, "X-User-Id")]
CookiePath = Annotated[str, BeforeValidator(cookies.parse_cookie_path), _text(cookies.PATH_PATTERN, "/")]
CookieDomain = Annotated[
    str, BeforeValidator(cookies.parse_domain), WithJsonSchema({"type": "string", "examples": ["example.com"]})
]
Secret = Annotated[str, BeforeValidator(cookies.parse_secret), WithJsonSchema({"type": "string"})]
ExactHost = Annotated[
    str,
    BeforeValidator(matching.parse_exact_host),
    WithJsonSchema({"type": "string", "examples": ["green.example.com"]}),
]
