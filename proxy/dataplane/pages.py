"""The page that users get while a service is in maintenance."""

from __future__ import annotations

from html import escape
from http import HTTPStatus
from typing import Final

from proxy.dataplane.door import Door
from proxy.dataplane.reporting import Record
from proxy.dataplane.responses import refuse_with
from proxy.dataplane.roles import Client
from proxy.http1.errors import RequestError
from proxy.http1.fields import list_items, split_fields, value_of
from proxy.http1.heads import RequestHead

REASON: Final = "maintenance"

RETRY_AFTER: Final = b"Retry-After: 30\r\nCache-Control: no-store\r\n"
"""Seconds after which a client may ask again."""

_PAGE: Final = """\
<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Maintenance</title>
<style>
:root {{ color-scheme: light dark }}
body {{ margin: 0; min-height: 100vh; display: grid; place-items: center; font: 1.1rem/1.5 system-ui, sans-serif }}
main {{ max-width: 36rem; padding: 2rem }}
p {{ white-space: pre-line }}
</style>
<main>
<h1>Back soon</h1>
<p>{message}</p>
</main>
</html>
"""


def send_maintenance_page(door: Door, client: Client, record: Record, message: str, *, uploaded: bool) -> None:
    """Answer with 503 and ``message``, as a page or as plain text; ``uploaded``: the request was read to its end."""
    if _takes_html(record.head):
        media_type, text = b"text/html; charset=utf-8", _PAGE.format(message=escape(message))
    else:
        media_type, text = b"text/plain; charset=utf-8", f"{message}\n"
    status = HTTPStatus.SERVICE_UNAVAILABLE.value
    body = text.encode()
    refuse_with(door, client, record, status, REASON, body, media_type, uploaded=uploaded, fields=RETRY_AFTER)


def _takes_html(head: RequestHead) -> bool:
    """By its Accept (RFC 9110 12.5.1); a client without one takes anything."""
    fields = split_fields(head.raw, head.raw.index(b"\r\n") + 2, RequestError)
    items = list_items(value_of(line) for name, line in fields if name == b"accept")
    if not items:
        return True
    weights: dict[bytes, bool] = {}
    for item in items:
        kind, *parameters = (part.strip(b" \t").lower() for part in item.split(b";"))
        weights[kind] = not any(p.startswith(b"q=0") and not p[3:].strip(b".0") for p in parameters)
    for kind in (b"text/html", b"text/*", b"*/*"):
        if kind in weights:
            return weights[kind]
    return False
