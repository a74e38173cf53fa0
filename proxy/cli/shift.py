"""``bluegreen shift``: traffic to one color gradually, watched."""

from __future__ import annotations

from typing import Any

import click

from proxy.cli.context import Change, Common
from proxy.cli.operation import carry_out
from proxy.cli.options import Duration, change_options, color_argument, common_options, gate_options, written

DEFAULT_OVER = 600.0
"""Seconds of a shift of which nobody says how long it is to take."""


class Pause(Duration):
    """A duration, or ``none`` for a pause without an end: ``inf``."""

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """The number of seconds."""
        return float("inf") if value == "none" else super().convert(value, param, ctx)


class Shares(click.ParamType[tuple[float, ...]]):
    """Percentages with commas between them."""

    name = "shares"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[float, ...]:
        """Each of them."""
        if isinstance(value, tuple):
            return value
        try:
            shares = tuple(float(word.strip().removesuffix("%")) for word in str(value).split(","))
        except ValueError:
            self.fail(f"{value!r} must be percentages such as 1,5,25,50,100", param, ctx)
        if not all(0 <= share <= 100 and round(share, 2) == share for share in shares):
            self.fail("a share is from 0 to 100 percent and has at most two decimals", param, ctx)
        return shares


@click.command
@color_argument
@click.option(
    "--to",
    "percent",
    metavar="PERCENT",
    type=click.FloatRange(0, 100),
    default=100,
    show_default=True,
    help="That color's share at the end.",
)
@click.option("--over", metavar="DURATION", type=Duration(), help="A steady move in this time. [default: 10m]")
@click.option("--steps", metavar="SHARES", type=Shares(), help="Step by step instead: 1,5,25,50,100.")
@click.option("--every", metavar="DURATION", type=Pause(), help="So long to rest on each step; none: until promoted.")
@click.option("--manual", is_flag=True, help="The same as --every none.")
@gate_options
@click.option(
    "--new-users-only",
    "deadline",
    metavar="DURATION",
    type=Duration(),
    help="Users with a session stay until it ends, or so long.",
)
@click.option("--force", is_flag=True, help="Even if no upstream of that color is healthy.")
@common_options
@change_options
def command(
    common: Common,
    color: str,
    *,
    percent: float,
    gates: dict[str, object] | None,
    judge: bool,
    deadline: float | None,
    force: bool,
    change: Change,
    **plan: Any,
) -> None:
    """Move traffic to a color gradually, and follow it to its end.

    It waits as long as the shift takes, unless --timeout is given. Exit code 5: it went back, because a gate said no or
    the new color was worse.
    """
    over, steps = _plan(**plan)
    carry_out(
        common,
        change,
        "POST",
        f"{common.service_path()}/shift",
        to=color,
        percent=percent,
        over=over,
        steps=steps,
        gates=gates,
        judge=None if judge else False,
        new_users_only={"deadline": written(deadline)} if deadline is not None else None,
        force=force or None,
    )


def _plan(
    *, over: float | None, steps: tuple[float, ...] | None, every: float | None, manual: bool
) -> tuple[str | None, list[dict[str, object]] | None]:
    """The time of a steady move, or its steps."""
    if steps is None:
        if every is not None or manual:
            raise click.UsageError("--every and --manual are about --steps: name these, too.")
        return written(over or DEFAULT_OVER), None
    if over is not None:
        raise click.UsageError("--over is a steady move, --steps is one by steps: give one of them.")
    if (every is None) != manual:
        raise click.UsageError("--steps needs to know how long to rest on each: --every DURATION, or --manual.")
    pause = None if manual or every == float("inf") else written(every or 0.0)
    return None, [{"percent": share, "pause": pause} for share in steps]
