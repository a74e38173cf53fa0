"""What goes to standard error in words, and to standard output as JSON."""

from __future__ import annotations

import json

import click


def say(text: str) -> None:
    """A message for whoever typed the command."""
    click.echo(f"bluegreen: {text}", err=True)


def print_json(document: object) -> None:
    """A document for a machine, on a line of its own."""
    click.echo(json.dumps(document))
