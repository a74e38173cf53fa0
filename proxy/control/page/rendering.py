"""Templates to HTML. Whatever a template is given is escaped; there is no way around that in them."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from proxy.control.page.assets import asset_path
from proxy.wording.numbers import span_words


@cache
def _environment() -> Environment:
    """The templates; each is compiled once."""
    environment = Environment(
        loader=FileSystemLoader(Path(__file__).parent / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    environment.filters.update(span=span_words, iso=_iso, moment=_moment, share=_share)
    environment.globals["static"] = asset_path
    return environment


def prepare() -> None:
    """Compile every template now, so that the first visitor does not have to wait for it."""
    environment = _environment()
    for name in environment.list_templates():
        environment.get_template(name)


def render(template: str, /, **values: Any) -> Markup:
    """A template filled in."""
    return Markup(_environment().get_template(template).render(**values))  # noqa: S704 - it was escaped on the way


def _iso(at: float) -> str:
    """Unix seconds as machines read them."""
    return datetime.fromtimestamp(at, UTC).isoformat(timespec="seconds")


def _moment(at: float) -> str:
    """Unix seconds as people read them."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")


def _share(percent: float) -> str:
    return f"{percent:g}\u00a0%"  # never torn apart at the end of a line
