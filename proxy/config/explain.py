"""What pydantic found wrong with the shape of the config, in the words of its author and at the place in their file."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from pydantic_core import ErrorDetails

from proxy.config.document import Document, KeyPath
from proxy.config.errors import Problem
from proxy.config.schema import json_schema
from proxy.config.wording import described, listing, suggestion

_OF_KEY = "[key]"
"""Last step of pydantic's path where a key of a mapping is wrong, not its value."""


def explain(document: Document, errors: Iterable[ErrorDetails]) -> Iterable[Problem]:
    """One problem for each error, except where the document already has one."""
    for error in errors:
        path = tuple(step for step in error["loc"] if step != _OF_KEY)
        if not document.read_well(path):
            continue
        at_key = error["type"] == "extra_forbidden" or error["loc"][-1:] == (_OF_KEY,)
        yield document.problem(_as_written(document, path, error), _message(error), at_key=at_key)


def _as_written(document: Document, path: KeyPath, error: ErrorDetails) -> KeyPath:
    """``host:port`` is short for a mapping: an error in its ``address`` is one of the text itself."""
    if error["type"] == "missing" or path in document.places:
        return path
    return path[:-1]


def _message(error: ErrorDetails) -> str:
    words = _WORDS.get(error["type"])
    return words(error) if words else error["msg"]


def _unknown_key(error: ErrorDetails) -> str:
    *parents, key = error["loc"]
    known = known_keys(tuple(parents))
    meant = suggestion(str(key), known)
    return f"unknown key; did you mean '{meant}'?" if meant else f"unknown key; known here: {', '.join(known)}"


def _missing(error: ErrorDetails) -> str:
    if error["loc"][-1] in ("blue", "green"):
        return "is missing; a service has both colors, but one may be empty: {upstreams: []}"
    return "is missing"


def _enum(error: ErrorDetails) -> str:
    allowed = re.findall(r"'([^']*)'", error["ctx"]["expected"])
    value = error["input"]
    meant = suggestion(value, allowed) if isinstance(value, str) else None
    return f"must be {listing(allowed)}, not {described(value)}" + (f"; did you mean '{meant}'?" if meant else "")


def _must_be(what: str) -> Callable[[ErrorDetails], str]:
    return lambda error: f"must be {what}, not {described(error['input'])}"


def _mapping(error: ErrorDetails) -> str:
    remedy = "; write its keys below it, or leave it out" if error["input"] is None else ""
    return f"must be a mapping (key: value), not {described(error['input'])}{remedy}"


def _list(error: ErrorDetails) -> str:
    value = error["input"]
    remedy = f"; write [{value!r}]" if isinstance(value, str) and len(value) < 100 else ""
    return f"must be a list, not {described(value)}{remedy}"


def _plain(bound: float) -> str:
    return str(int(bound)) if bound == int(bound) else str(bound)


_WORDS: Mapping[str, Callable[[ErrorDetails], str]] = {
    "extra_forbidden": _unknown_key,
    "missing": _missing,
    "enum": _enum,
    "model_type": _mapping,
    "dict_type": _mapping,
    "list_type": _list,
    "bool_type": _must_be("true or false"),
    "string_type": _must_be("text"),
    "int_type": _must_be("a whole number"),
    "float_type": _must_be("a number"),
    "finite_number": _must_be("a number"),
    "greater_than_equal": lambda error: f"must be at least {_plain(error['ctx']['ge'])}, not {error['input']}",
    "less_than_equal": lambda error: f"must be at most {_plain(error['ctx']['le'])}, not {error['input']}",
    "too_short": lambda error: "must not be empty",
    "string_too_short": lambda error: "must not be empty",
    "string_pattern_mismatch": _must_be("1 to 63 letters, digits, '.', '_', '@' or '-', the first a letter or a digit"),
    "value_error": lambda error: str(error["ctx"]["error"]),
}


def known_keys(path: KeyPath) -> tuple[str, ...]:
    """The keys that a mapping at this place may have."""
    schema = _whole_schema()
    for step in path:
        schema = _mapping_schema(schema)
        if isinstance(step, int):
            schema = schema["items"]
        else:
            schema = schema.get("properties", {}).get(step) or schema["additionalProperties"]
    return tuple(_mapping_schema(schema)["properties"])


@functools.cache
def _whole_schema() -> dict[str, Any]:
    return json_schema()


def _mapping_schema(schema: dict[str, Any]) -> dict[str, Any]:
    """The schema itself, behind a reference or beside ``null`` and short forms."""
    if "anyOf" in schema:
        return _mapping_schema(next(choice for choice in schema["anyOf"] if "$ref" in choice))
    if "$ref" in schema:
        definition: dict[str, Any] = _whole_schema()["$defs"][schema["$ref"].rpartition("/")[2]]
        return definition
    return schema
