"""Long lists, some rows at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar
from urllib.parse import urlencode

T = TypeVar("T")

ROWS: Final = 50
"""Rows on one page of a list."""


@dataclass(frozen=True, slots=True)
class Here:
    """The address of a page: what it shows is told by its path and a few parameters."""

    path: str
    parameters: Mapping[str, str | int]

    def with_(self, **changes: str | int) -> str:
        """The address of another view of it. Parameters that say nothing are left out, and so is page 1."""
        kept = {name: value for name, value in {**self.parameters, **changes}.items() if value not in ("", 0, 1)}
        return f"{self.path}?{urlencode(kept)}" if kept else self.path


@dataclass(frozen=True, slots=True)
class Slice(Generic[T]):
    """One page of a list, and the way to its neighbors."""

    rows: Sequence[T]
    page: int
    pages: int
    first: int
    """The number of its first row, counted from 1; 0 where there is none."""
    total: int
    previous: str | None = None
    """The address of the page before."""
    next: str | None = None

    @property
    def last(self) -> int:
        """The number of its last row."""
        return self.first + len(self.rows) - 1 if self.rows else 0


def sliced(items: Sequence[T], page: int, at: Callable[[int], str], rows: int = ROWS) -> Slice[T]:
    """One page of a list, counted from 1; beyond the end, as where a list has become shorter, it is the last.

    Args:
        items: all of them.
        page: which one.
        at: gives the address of a page.
        rows: how many go on one.
    """
    pages = max(1, -(-len(items) // rows))
    page = min(page, pages)
    first = (page - 1) * rows
    return Slice(
        rows=items[first : first + rows],
        page=page,
        pages=pages,
        first=first + 1 if items else 0,
        total=len(items),
        previous=at(page - 1) if page > 1 else None,
        next=at(page + 1) if page < pages else None,
    )
