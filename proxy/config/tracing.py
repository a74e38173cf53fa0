"""The keys of the trace export, and what they need around them: a library that few have, and a file of headers."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path
from typing import Annotated
from urllib.parse import SplitResult, urlsplit

from pydantic import BeforeValidator, Field, WithJsonSchema

from proxy.config import fields
from proxy.config.fields import by_default
from proxy.config.files import secret_file_complaint
from proxy.config.section import Section
from proxy.config.wording import described

TRACES_PATH = "/v1/traces"
REMEDY = "pip install 'bluegreen-proxy[otlp]'"
_HEADER = re.compile(r"([!#$%&'*+\-.^_`|~0-9A-Za-z]+):[ \t]*([!-~](?:[ -~]*[!-~])?)")


def parse_endpoint(value: object) -> str:
    """The base address of an OTLP collector; gives where traces go."""
    parts = _split(value) if isinstance(value, str) else None
    if parts is None:
        raise ValueError(f"must be an address such as http://127.0.0.1:4318, not {described(value)}")
    if parts.username is not None or parts.query or parts.fragment:
        raise ValueError("must be scheme, host, port and path alone; secrets belong into headers_file")
    path = parts.path.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path.removesuffix(TRACES_PATH)}{TRACES_PATH}"


def _split(value: str) -> SplitResult | None:
    """The parts of an address at which a collector may be."""
    try:
        parts = urlsplit(value)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
    except ValueError:  # brackets that do not match, a port beyond all ports
        return None
    return parts if good and value.isascii() and value.isprintable() and " " not in value else None


def read_headers(file: Path) -> tuple[tuple[str, str], ...]:
    """The header fields in a file, one ``Name: value`` a line; empty lines and those with ``#`` do not count.

    Raises:
        ValueError: there are none, or it cannot be read. Nothing of what is in it is told.
    """
    if complaint := secret_file_complaint(file, holds="header"):
        raise ValueError(complaint)
    lines = enumerate(file.read_text(encoding="ascii", errors="replace").splitlines(), start=1)
    found = []
    for number, line in lines:
        if not line.strip() or line.startswith("#"):
            continue
        match = _HEADER.fullmatch(line.strip())
        if match is None:
            raise ValueError(f"{file}: line {number} is no header field, such as: Authorization: Bearer ...")
        found.append((match[1], match[2]))
    return tuple(found)


def missing_extra() -> str | None:
    """What has to be done before spans can be exported; ``None`` if nothing."""
    try:
        found = importlib.util.find_spec("opentelemetry.proto") and importlib.util.find_spec("google.protobuf")
    except ImportError:
        found = None
    return None if found else f"the trace export needs a library that is not installed: {REMEDY}"


Endpoint = Annotated[
    str,
    BeforeValidator(parse_endpoint),
    WithJsonSchema({"type": "string", "pattern": "^https?://.+$", "examples": ["http://127.0.0.1:4318"]}),
]


class OtlpSection(Section):
    """Where spans are sent to, by OTLP over HTTP. It takes the extra bluegreen-proxy[otlp]."""

    endpoint: Endpoint = by_default("http://127.0.0.1:4318")
    """Address of the collector, http or https; /v1/traces is added to its path."""
    sample: fields.Percent = by_default("1%")
    """Share of the requests that are exported; of what a trusted proxy sends, its sampled flag decides."""
    service_name: Annotated[str, Field(min_length=1, max_length=255)] = "bluegreen"
    """Name of this front door in traces (service.name)."""
    headers_file: fields.FilePath | None = None
    """File with header fields for the collector, one Name: value a line, relative to this config file."""


class TracingSection(Section):
    """The place of requests in traces. Who sends traceparent is in one anyway."""

    otlp: OtlpSection | None = None
    """Export of spans; null: none, and no trace begins here."""
