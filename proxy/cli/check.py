"""``bluegreen check``: is this config file good?"""

from __future__ import annotations

import os
import sys
from pathlib import Path

import click

from proxy.cli.config_option import config_option
from proxy.cli.exit_codes import ExitCode
from proxy.config import ConfigError, load_settings


@click.command
@config_option
def command(config: Path) -> None:
    """Validate the config file; every error as FILE:LINE:COL: key.path: what is wrong."""
    try:
        settings = load_settings(config, os.environ)
    except ConfigError as error:
        click.echo(str(error), err=True)
        sys.exit(ExitCode.FAILED)
    names = ", ".join(spec.name for spec in settings.services)
    click.echo(f"{config}: good ({len(settings.services)} service{'s' * (len(settings.services) != 1)}: {names})")
