"""``bluegreen schema``: the config's JSON Schema, for editors."""

from __future__ import annotations

import json

import click

from proxy.config import json_schema


@click.command
def command() -> None:
    """Print the JSON Schema of the config file."""
    click.echo(json.dumps(json_schema(), indent=2))
