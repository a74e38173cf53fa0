"""The option that names the config file."""

from __future__ import annotations

from pathlib import Path

import click

config_option = click.option(
    "--config",
    "config",
    type=click.Path(path_type=Path),
    default=Path("bluegreen.yaml"),
    show_default=True,
    envvar="BLUEGREEN_CONFIG",
    help="The config file.",
)
