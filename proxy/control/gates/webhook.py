"""Webhooks: the operation is told by POST, and the status of the answer is the verdict."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections.abc import Mapping
from typing import Any

from proxy.control.gates.finding import Finding, Reply, by_status, first_line
from proxy.control.gates.line import Question
from proxy.traffic.gates import Moment, Webhook
from proxy.traffic.model import Operation

SIGNATURE = "Bluegreen-Signature"
"""The field with the signature. Not X-Bluegreen-…: the front door takes those from clients, and a gate may be behind
one."""

_MOST = 4096
"""Bytes that are read of an answer."""


class Hook:
    """One webhook at one moment of an operation."""

    def __init__(self, gate: Webhook, facts: Mapping[str, Any], *, identity: str, moment: Moment) -> None:
        """``facts`` is the operation as JSON-ready data; ``identity`` stays the same however often it is told."""
        self._gate = gate
        self._told = {"id": identity, "moment": moment.value}
        self._facts = dict(facts)

    def question(self, now: float, secret: bytes | None) -> Question:
        """What is sent at a Unix time, signed if there is a secret."""
        told = {**self._told, "sent_at": now, "operation": self._facts}
        return telling(self._gate.url, told, at=now, secret=secret, most=_MOST)

    def finding(self, reply: Reply, now: float) -> Finding:
        """What the answer says."""
        return by_status(reply, first_line(reply.body), now)


def identity_of(operation: Operation, moment: Moment) -> str:
    """What one telling is known by. It survives a restart; another program, or one that lost its store, has others."""
    return f"{operation.id}@{int(operation.started_at)}/{moment.value}/{_reached(operation)}"


def _reached(operation: Operation) -> int:
    """How many steps or batches have begun: a gate is told of each by itself."""
    if operation.shift is not None:
        return operation.shift.position.step
    return operation.rollout.batch if operation.rollout is not None else 0


def telling(url: str, told: Mapping[str, Any], *, at: float, secret: bytes | None, most: int) -> Question:
    """A POST of JSON, signed if there is a secret. ``at`` is the Unix time, ``most`` the bytes read of the answer."""
    body = json.dumps(told, ensure_ascii=False, separators=(",", ":")).encode("utf-8", "backslashreplace")
    headers = {"Content-Type": "application/json"}
    if secret is not None:
        headers[SIGNATURE] = signature(secret, body, int(at))
    return Question("POST", url, most, headers, body)


def signature(secret: bytes, body: bytes, at: int) -> str:
    """``t=…,v1=…``: when it was made, and the HMAC-SHA256 over that, a dot and the body, in hexadecimal digits."""
    digest = hmac.new(secret, b"%d.%s" % (at, body), hashlib.sha256).hexdigest()
    return f"t={at},v1={digest}"
