"""Queries of Prometheus: each value of the answer has to lie within bounds."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote

from proxy.control.gates.finding import Finding, Reply, Verdict, by_status, first_line, quoted
from proxy.control.gates.line import Question
from proxy.traffic.gates import PromQuery

_PATH = "/api/v1/query"

_MOST = 1024 * 1024
"""Bytes of an answer. One with more values than fit is no answer to a question of yes or no."""

_VALUE = re.compile(r"NaN|[+-]?(?:Inf|[0-9]+(?:\.[0-9]+)?(?:e[+-]?[0-9]+)?)")
"""How Prometheus writes a number."""


class Malformed(Exception):
    """It is not what Prometheus answers to a query for numbers; the message says how."""


class Query:
    """One query."""

    def __init__(self, gate: PromQuery) -> None:
        """Nothing is asked yet."""
        self._gate = gate

    def question(self, now: float, secret: bytes | None) -> Question:
        """What is asked. Nothing is signed: Prometheus would not look."""
        server, _, own = self._gate.url.partition("?")
        asked = f"query={quote(self._gate.query, safe='')}"
        return Question("GET", f"{server.rstrip('/')}{_PATH}?{f'{own}&' if own else ''}{asked}", _MOST)

    def finding(self, reply: Reply, now: float) -> Finding:
        """What the values say."""
        found = by_status(reply, _complaint(reply.body), now)
        if found.verdict is not Verdict.GO:
            return found
        if not reply.whole:
            return Finding(Verdict.NO, f"the answer is longer than {_MOST // 1024} KiB")
        try:
            values = read_values(reply.body)
        except Malformed as error:
            return Finding(Verdict.NO, f"the answer is not one of numbers: {error}")
        return _weighed(values, self._gate)


def _complaint(body: bytes) -> str:
    """What Prometheus says against a query, or whoever answers in its place."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return first_line(body)
    error = answer.get("error") if isinstance(answer, dict) else None
    return quoted(error) if isinstance(error, str) else ""


def read_values(body: bytes) -> tuple[float, ...]:
    """The values of an answer that is a scalar or a vector. Raises :class:`Malformed`."""
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        raise Malformed("it is not JSON") from None
    match answer:
        case {"status": "success", "data": {"resultType": "scalar", "result": sample}}:
            return (_number(sample),)
        case {"status": "success", "data": {"resultType": "vector", "result": list(series)}}:
            return tuple(_number(each.get("value") if isinstance(each, dict) else None) for each in series)
        case {"status": "success", "data": {"resultType": ("matrix" | "string") as kind}}:
            raise Malformed(f"it is a {kind}; the query has to give a scalar or an instant vector")
    raise Malformed("it is not what Prometheus answers")


def _number(sample: Any) -> float:
    match sample:
        case [int() | float(), str(text)] if _VALUE.fullmatch(text):
            return float(text)
    raise Malformed("there is something in it that is no number")


def _weighed(values: Sequence[float], gate: PromQuery) -> Finding:
    complaints = [words for value in values if (words := _objection(value, gate))]
    if not values:
        return Finding(Verdict.NO, "the query has found nothing")
    if complaints:
        how_many = f", one of {len(complaints)} such values among {len(values)}" if len(values) > 1 else ""
        return Finding(Verdict.NO, complaints[0] + how_many)
    if len(values) == 1:
        return Finding(Verdict.GO, f"{values[0]:.6g} is within bounds")
    return Finding(Verdict.GO, f"{min(values):.6g} to {max(values):.6g}, {len(values)} values, are within bounds")


def _objection(value: float, gate: PromQuery) -> str | None:
    if math.isnan(value):
        return "NaN is no value"
    if gate.min is not None and value < gate.min:
        return f"{_apart(value, gate.min)} is below the minimum {gate.min:g}"
    if gate.max is not None and value > gate.max:
        return f"{_apart(value, gate.max)} is above the maximum {gate.max:g}"
    return None


def _apart(value: float, bound: float) -> str:
    """A value with as many digits as tell it from the bound."""
    short = f"{value:.6g}"
    return short if short != f"{bound:.6g}" else repr(value)
