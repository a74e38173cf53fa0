from __future__ import annotations

import re

import pytest

from proxy.control.page.assets import FOR_EVER, LOOK_AGAIN, asset_path, assets
from tests.control.page.visitor import Visitor


async def test_what_a_page_names_is_there_for_ever(visitor: Visitor) -> None:
    """Its address tells its content, so it is never asked for again."""
    page = await visitor.look("/")
    named = [each["href"] for each in page.all("link")] + [each["src"] for each in page.all("script")]
    assert len(named) > 1
    for path in named:
        reply = await visitor.get(path)
        assert (reply.status, reply.headers["Cache-Control"]) == (200, FOR_EVER)


async def test_an_address_of_another_version_is_looked_at_again(visitor: Visitor) -> None:
    """A page from before an update finds its files, and no browser keeps them under a wrong name."""
    for path in ("/static/style.css", "/static/0123456789abcdef/style.css"):
        reply = await visitor.get(path)
        assert (reply.status, reply.headers["Cache-Control"]) == (200, LOOK_AGAIN)
        again = await visitor.get(path, **{"If-None-Match": reply.headers["ETag"]})
        assert (again.status, again.raw) == (304, b"")
        assert (await visitor.get(path, **{"If-None-Match": '"other"'})).status == 200


async def test_only_what_is_meant_to_be_served_is(visitor: Visitor) -> None:
    """Nothing leads out of the folder."""
    for path in ("/static/none.css", "/static/x/none.css", "/static/..%2fassets.py", "/static/"):
        assert (await visitor.get(path)).status == 404


async def test_files_need_no_session(guarded: object, visitor: Visitor) -> None:
    """The form for signing in has a style, too."""
    assert asset_path("style.css") in [each["href"] for each in (await visitor.look("/")).all("link")]


def test_types_are_told() -> None:
    """Browsers are not allowed to guess them."""
    assert assets()["style.css"].media_type == "text/css; charset=utf-8"
    assert assets()["icon.svg"].media_type == "image/svg+xml"
    assert not [name for name, each in assets().items() if name.endswith(".js") and "javascript" not in each.media_type]


GROUNDS = {
    "text": ("ground", "card"),
    "dim": ("ground", "card"),
    "link": ("ground", "card"),
    "good": ("good-ground", "card"),
    "bad": ("bad-ground", "card"),
    "waiting": ("waiting-ground", "card"),
    "busy": ("busy-ground", "card"),
    "on-main": ("main",),
    "alarm": ("card",),
    "on-alarm": ("alarm",),
}
"""Which text stands on which ground."""


@pytest.mark.parametrize("theme", [0, 1], ids=["light", "dark"])
def test_text_can_be_read(theme: int) -> None:
    """A contrast of 4.5 to 1 (WCAG 2, 1.4.3), and of 3 to 1 for the two colors of the bar (1.4.11)."""
    sheet = assets()["style.css"].data.decode()
    colors = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", sheet.split(":root {")[theme + 1]))
    poor = {
        (text, ground): _contrast(colors[text], colors[ground])
        for text, grounds in GROUNDS.items()
        for ground in grounds
        if _contrast(colors[text], colors[ground]) < 4.5
    }
    assert poor == {}
    assert min(_contrast(colors[color], colors["card"]) for color in ("blue", "green")) >= 3
    assert _contrast(colors["blue"], colors["green"]) >= 1.9


def _contrast(one: str, other: str) -> float:
    light, dark = sorted((_luminance(one), _luminance(other)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(color: str) -> float:
    channels = [int(color[place : place + 2], 16) / 255 for place in (1, 3, 5)]
    linear = [each / 12.92 if each <= 0.04045 else ((each + 0.055) / 1.055) ** 2.4 for each in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
