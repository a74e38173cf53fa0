"""Who is told about operations. What stands in ``url`` may be secret, so no message quotes it."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, WithJsonSchema

from proxy.config.fields import by_default
from proxy.config.reach import why_forbidden_host
from proxy.config.section import Section
from proxy.config.settings import NotificationEvent, NotificationFormat
from proxy.traffic.gates import gate_url_complaint


def _parse_url(value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a URL that begins with http:// or https://")
    if complaint := gate_url_complaint(value) or why_forbidden_host(urlsplit(value).hostname or ""):
        raise ValueError(complaint)
    return value


def _parse_page_url(value: object) -> str:
    """Addresses of operations are put behind it, and stand in messages that many people read."""
    url = _parse_url(value)
    parts = urlsplit(url)
    if "@" in parts.netloc or "?" in url:
        raise ValueError(
            "must be scheme, host, port and path alone: what is behind it is added, and everybody reads it"
        )
    return url


def _mapping(value: object) -> object:
    if not isinstance(value, dict):
        raise ValueError("must be a mapping: write url: before the URL")
    return value


def _list(value: object) -> object:
    if not isinstance(value, list):
        raise ValueError("must be a list: write each as - url: …, or [] for none")
    return value


WebAddress = Annotated[
    str,
    BeforeValidator(_parse_url),
    WithJsonSchema({"type": "string", "pattern": r"^https?://|\$\{", "examples": ["https://example.com/", "${URL}"]}),
]

PageAddress = Annotated[
    str,
    BeforeValidator(_parse_page_url),
    WithJsonSchema(
        {"type": "string", "pattern": r"^https?://[^?#@]*$|\$\{", "examples": ["https://bluegreen.example.com"]}
    ),
]


class NotificationSection(Section):
    """Somebody who is told about operations."""

    url: WebAddress = Field(repr=False)
    """Where it is posted; with ${VAR} it need not stand in this file. It is shown nowhere."""
    format: Annotated[NotificationFormat, Field(strict=False)] = by_default("json")
    """json: a document, signed as gates.secret_file says; slack: a message that Slack, Mattermost and others show."""
    on: Annotated[list[Annotated[NotificationEvent, Field(strict=False)]], Field(min_length=1)] = by_default(
        ["start", "end", "rollback"]
    )
    """What is told: start and end of an operation, and rollback: the traffic goes back."""
    services: Annotated[list[str], Field(min_length=1)] = by_default(["*"])
    """Names of services; * is all of them."""


Notifications = Annotated[list[Annotated[NotificationSection, BeforeValidator(_mapping)]], BeforeValidator(_list)]
