"""The command ``bluegreen``. Each verb is a module of its own, imported when it is asked for, so that help is fast."""

from __future__ import annotations

import importlib

import click

from proxy import __version__

VERBS = {
    "run": "proxy.cli.run",
    "check": "proxy.cli.check",
    "schema": "proxy.cli.schema",
    "demo": "proxy.cli.demo",
    "status": "proxy.cli.status",
    "switch": "proxy.cli.switch",
    "split": "proxy.cli.split",
    "rollback": "proxy.cli.rollback",
    "abort": "proxy.cli.abort",
    "upstreams": "proxy.cli.upstreams",
    "history": "proxy.cli.history",
    "completion": "proxy.cli.completion",
}
"""Where each verb is defined; every module calls it ``command``."""


class Verbs(click.Group):
    """The verbs in the order of a first day with them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs."""
        return list(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """The verb of that name, imported now; ``None`` if there is none."""
        if cmd_name not in VERBS:
            return None
        command: click.Command = importlib.import_module(VERBS[cmd_name]).command
        return command


@click.command(cls=Verbs, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="bluegreen")
def main() -> None:
    """Move traffic between a blue and a green application without losing a request.

    \b
    Exit codes: 0 done, 1 failed, 2 usage or invalid config, 3 admin API not reachable,
    4 refused or conflict, 5 rolled back, 6 wait timed out.
    """
