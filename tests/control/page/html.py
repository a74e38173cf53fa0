"""What a page says, read as a browser would, and whether it keeps to the rules that all pages have."""

from __future__ import annotations

from html.parser import HTMLParser

VOID = frozenset({"meta", "link", "input", "br", "img", "rect", "!doctype"})
"""Elements that are never closed."""


class Html(HTMLParser):
    """A page: its elements, each with its attributes, and its text."""

    def __init__(self, raw: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.words: list[str] = []
        self._open: list[str] = []
        self.feed(raw.decode())
        self.close()
        assert self._open == [], "everything that was opened is closed"

    @property
    def text(self) -> str:
        """All that is shown, with single spaces."""
        return " ".join(" ".join(self.words).split())

    def all(self, tag: str, **attributes: str) -> list[dict[str, str]]:
        """The attributes of all elements of a kind; underscores in names stand for hyphens."""
        wanted = {name.replace("_", "-"): value for name, value in attributes.items()}
        return [found for name, found in self.elements if name == tag and wanted.items() <= found.items()]

    def one(self, tag: str, **attributes: str) -> dict[str, str]:
        """The only one of its kind."""
        (found,) = self.all(tag, **attributes)
        return found

    def check(self) -> None:
        """The rules: nothing runs or is styled in the page itself, ids are unique, every field has a name."""
        ids = [attributes["id"] for _, attributes in self.elements if "id" in attributes]
        assert len(ids) == len(set(ids))
        for tag, attributes in self.elements:
            assert tag != "style"
            assert tag != "script" or attributes["src"].startswith("/static/")
            assert not [name for name in attributes if name.startswith("on") or name == "style"]
            assert not attributes.get("href", "/").lower().startswith(("javascript:", "http"))
            if tag == "input" and attributes.get("type") != "hidden":
                assert self.all("label", **{"for": attributes["id"]})
            if tag in ("progress", "meter"):
                assert attributes["aria-label"]
            if tag == "th":
                assert attributes["scope"] in ("col", "row")

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element begins."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """An element without content."""
        self.elements.append((tag, {name: value or "" for name, value in attrs}))

    def handle_endtag(self, tag: str) -> None:
        """An element ends: the one that was opened last."""
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        """Text."""
        self.words.append(data)
