"""Who is compared with whom, as the sentences speak of them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from proxy.traffic.spec import Color


@dataclass(frozen=True, slots=True)
class Name:
    """One side of a comparison."""

    name: str
    several: bool = False
    """Whether it is spoken of in the plural."""

    def __str__(self) -> str:
        return self.name

    @property
    def whose(self) -> str:
        """``blue's``, ``the others'``."""
        return f"{self.name}'" if self.several else f"{self.name}'s"

    @property
    def their(self) -> str:
        """``its`` or ``their``."""
        return "their" if self.several else "its"

    def does(self, verb: str, plural: str) -> str:
        """``blue answers``, ``the others answer``."""
        return f"{self.name} {plural if self.several else verb}"

    def part(self, share: str) -> str:
        """``blue's 2 %``, ``2 % of the others``."""
        return f"{share} of {self.name}" if self.several else f"{self.whose} {share}"


@dataclass(frozen=True, slots=True)
class Sides:
    """Both sides."""

    new: Name
    """Who is judged."""
    old: Name


def colors(new: Color) -> Sides:
    """One color against the other."""
    return Sides(Name(new.value), Name(new.other.value))


_UPDATED: Final = Name("the updated servers", several=True)

COHORTS: Final = Sides(_UPDATED, Name("the others", several=True))
"""Updated servers of a pool against those that are not updated yet."""

FORMER: Final = Sides(_UPDATED, Name("the old ones", several=True))
"""Updated servers against those that there were, once all are updated."""
