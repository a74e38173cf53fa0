"""``bluegreen check``: is this config file good?"""

from __future__ import annotations

import dataclasses
import os
import sys
from pathlib import Path

import click

from proxy.cli.exit_codes import ExitCode
from proxy.cli.messages import print_json
from proxy.cli.options import config_option, output_option
from proxy.config import ConfigError, load_settings


@click.command
@config_option
@output_option
def command(config: Path, output: str) -> None:
    """Validate the config file; every error as FILE:LINE:COL: key.path: what is wrong."""
    try:
        settings = load_settings(config, os.environ)
    except ConfigError as error:
        if output == "json":
            print_json({"ok": False, "problems": [dataclasses.asdict(problem) for problem in error.problems]})
        click.echo(str(error), err=True)
        sys.exit(ExitCode.FAILED)
    names = [spec.name for spec in settings.services]
    if output == "json":
        print_json({"ok": True, "services": names})
    else:
        click.echo(f"{config}: good ({len(names)} service{'s' * (len(names) != 1)}: {', '.join(names)})")
