"""``bluegreen completion``: a script that lets the shell complete verbs and options."""

from __future__ import annotations

import click
from click.shell_completion import get_completion_class


@click.command
@click.argument("shell", type=click.Choice(["bash", "zsh", "fish"]))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print the completion script of a shell.

    \b
    bash:  eval "$(bluegreen completion bash)"
    zsh:   eval "$(bluegreen completion zsh)"
    fish:  bluegreen completion fish | source
    """
    completion = get_completion_class(shell)
    assert completion is not None
    click.echo(completion(ctx.find_root().command, {}, "bluegreen", "_BLUEGREEN_COMPLETE").source())
