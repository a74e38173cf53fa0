from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config import json_schema
from proxy.config.units import DURATION_PATTERN, parse_duration

SERVICES = {"s": {"pools": {"blue": {"upstreams": ["a:1"]}, "green": {"upstreams": []}}}}


def sections() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every mapping of the schema that has keys of its own."""
    schema = json_schema()
    yield "the file", schema
    for name, section in schema["$defs"].items():
        if "properties" in section:
            yield name, section


def test_the_schema_is_a_schema() -> None:
    """Editors get valid JSON Schema of the draft that it names."""
    jsonschema_rs.meta.validate(json_schema())


@pytest.mark.parametrize(("name", "section"), list(sections()))
def test_every_key_is_described_and_no_other_is_allowed(name: str, section: dict[str, Any]) -> None:
    """An editor can explain every key and marks the rest."""
    assert section["additionalProperties"] is False
    assert [key for key, value in section["properties"].items() if not value.get("description")] == [], name


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"workers": "auto", "timeouts": {"head": "1.5s"}, "limits": {"max_head": 512, "max_body": "10MB"}},
        {"timeouts": {"head": "${HEAD}"}, "listen": ["unix:x", "${ADDRESS:-[::]:80}"]},
        {"listen": ["0.0.0.0:80", {"address": "[::]:81", "proxy_protocol": True}, {"address": "unix:x"}]},
        {"services": {"s": {**SERVICES["s"], "keep_warm": "0s", "sticky": {"cookie": "u", "same_site": None}}}},
        {"services": {"s": {**SERVICES["s"], "preview": {"hosts": {"green": "g.test"}}, "judge": {"latency": 2}}}},
    ],
)
def test_editors_accept_what_is_good(values: dict[str, Any]) -> None:
    """Units, short forms and variables in text pass."""
    assert jsonschema_rs.is_valid(json_schema(), {"services": SERVICES, **values})


@pytest.mark.parametrize(
    "values",
    [
        {"limts": {}},
        {"workers": 0},
        {"timeouts": {"head": "10"}},
        {"timeouts": {"head": 10}},
        {"limits": {"max_headers": 0}},
        {"listen": [{"address": "0.0.0.0:80", "proxy_protocol": "yes"}]},
        {"listen": [{"proxy_protocol": True}]},
        {"limits": {"max_connections": 0}},
        {"services": {"A B": SERVICES["s"]}},
        {"services": {"s": {**SERVICES["s"], "keep_warm": 300}}},
        {"services": {"s": {**SERVICES["s"], "sticky": {"cookie": "a b"}}}},
        {"services": {"s": {**SERVICES["s"], "judge": {"errors": 0.5}}}},
        {"services": {"s": {"pools": {"blue": {"upstreams": ["a"]}, "green": {"upstreams": []}}}}},
        {"services": {}},
    ],
)
def test_editors_mark_what_is_bad(values: dict[str, Any]) -> None:
    """Much of what the program refuses is seen while it is typed."""
    assert not jsonschema_rs.is_valid(json_schema(), {"services": SERVICES, **values})


@given(st.from_regex(DURATION_PATTERN, fullmatch=True))
def test_what_the_pattern_of_durations_takes_is_parsed(text: str) -> None:
    """The pattern that editors use and the parser agree, but for the limits in length."""
    complaint = None
    try:
        parse_duration(text)
    except ValueError as error:
        complaint = str(error)
    assert complaint in (None, "must be longer than zero", "must be at most 720h")
