from __future__ import annotations

import pytest

from proxy.cli.drawing import bar, cells, sparkline, split_bar


@pytest.mark.parametrize(
    ("values", "top", "line"),
    [
        ((0, 1, 4, 8), 8, "▁▂▅█"),
        ((1e-9, 0), 100, "▂▁"),
        ((None, 5, None), 5, " █ "),
        ((1, 2, 3, 4, 5, 6), 6, "▅▆▇█"),
        ((), 1, "    "),
        ((0, 0), 0, "▁▁"),
        ((9,), 3, "█"),
    ],
)
def test_sparklines(values: tuple[float | None, ...], top: float, line: str) -> None:
    """The newest are at the right; the lowest mark is nothing at all, and a blank is what nobody knows."""
    assert sparkline(values, top, width=4, fine=True) == line.rjust(4)


def test_sparklines_in_ascii() -> None:
    """As many levels, of characters that every terminal has."""
    line = sparkline(range(8), 7, width=8, fine=False)
    assert (line.isascii(), len(set(line))) == (True, 8)


@pytest.mark.parametrize(("share", "filled"), [(0, 0), (0.001, 1), (0.5, 10), (0.999, 19), (1, 20), (1.5, 20)])
def test_a_little_is_not_nothing_and_nearly_all_is_not_all(share: float, filled: int) -> None:
    """Where requests go at all, they are seen to go."""
    assert cells(share, 20) == filled
    assert bar(share, width=20, style="", fine=False).plain == "#" * filled + "." * (20 - filled)
    assert split_bar(share, width=20, fine=True).plain == "█" * filled + "▒" * (20 - filled)
