"""What the page needs besides its HTML: style, scripts and pictures, read once and served from memory.

They stand below a folder that is named after what is in all of them. So a browser may keep them for ever, a new
version of the program has new addresses, and scripts can name each other without knowing any of that.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from http import HTTPStatus
from pathlib import Path
from typing import Final

from aiohttp import hdrs, web

from proxy.control.admin.problems import AdminCode, Problem

_TYPES: Final = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".txt": "text/plain; charset=utf-8",
    "": "text/plain; charset=utf-8",
}

FOR_EVER: Final = "public, max-age=31536000, immutable"
LOOK_AGAIN: Final = "no-cache"
"""For an address of another version: right now, but perhaps not for long."""


@dataclass(frozen=True, slots=True)
class Asset:
    """One file."""

    data: bytes
    media_type: str
    etag: str


@cache
def assets() -> Mapping[str, Asset]:
    """Every file, by its name."""
    folder = Path(__file__).parent / "static"
    files = sorted(file for file in folder.iterdir() if file.suffix in _TYPES)
    return {file.name: _read(file) for file in files}


@cache
def version() -> str:
    """A name for the content of all of them together."""
    whole = hashlib.sha256()
    for name, asset in assets().items():
        whole.update(f"{name} {asset.etag}\n".encode())
    return whole.hexdigest()[:16]


def asset_path(name: str) -> str:
    """The address of a file, or an empty one if there is no such file."""
    return f"/static/{version()}/{name}" if name in assets() else ""


async def serve_asset(request: web.Request) -> web.StreamResponse:
    """One file. Raises :class:`Problem` (404)."""
    name, asked = request.match_info["file"], request.match_info.get("version")
    asset = assets().get(name)
    if asset is None:
        raise Problem(AdminCode.NOT_FOUND, f"there is no file {name!r}")
    kept = FOR_EVER if asked == version() else LOOK_AGAIN
    headers = {hdrs.ETAG: f'"{asset.etag}"', hdrs.CACHE_CONTROL: kept}
    if any(each.value in (asset.etag, "*") for each in request.if_none_match or ()):
        return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
    return web.Response(body=asset.data, headers={**headers, hdrs.CONTENT_TYPE: asset.media_type})


def _read(file: Path) -> Asset:
    data = file.read_bytes()
    return Asset(data, _TYPES[file.suffix], hashlib.sha256(data).hexdigest()[:16])
