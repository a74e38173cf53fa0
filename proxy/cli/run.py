"""``bluegreen run``: the front door and its admin API, in the foreground."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from proxy.cli.exit_codes import ExitCode
from proxy.cli.options import config_option
from proxy.config import ConfigError, load_settings
from proxy.control.supervisor import run


@click.command
@config_option
def command(config: Path) -> None:
    """Run the front door and its admin API until TERM or Ctrl-C."""
    try:
        settings = load_settings(config, os.environ)
    except ConfigError as error:
        click.echo(str(error), err=True)
        sys.exit(ExitCode.USAGE)
    sys.exit(run(settings, config))
