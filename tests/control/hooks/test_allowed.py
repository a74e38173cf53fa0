from __future__ import annotations

import pytest

from proxy.control.hooks.allowed import complaint, program
from proxy.traffic.rollout.plan import CommandHook, Hook, ManualHook, WebhookHook

ALLOWED = ("/etc/bg/deploy.sh", "/etc/bg/other/deploy.sh", "/usr/bin/restart")


@pytest.mark.parametrize("hook", [ManualHook(), WebhookHook("http://ci.example/")])
def test_what_runs_nothing_here_is_free(hook: Hook) -> None:
    """Only programs need to be allowed."""
    assert complaint(hook, ()) is None


@pytest.mark.parametrize(
    ("named", "path"),
    [
        ("/usr/bin/restart", "/usr/bin/restart"),
        ("/usr/bin/../bin/./restart", "/usr/bin/restart"),
        ("restart", "/usr/bin/restart"),
        ("./restart", "/usr/bin/restart"),
        ("other/deploy.sh", "/etc/bg/other/deploy.sh"),
    ],
)
def test_a_program_is_named_by_its_path_or_the_end_of_it(named: str, path: str) -> None:
    """As long as there is only one that it can be."""
    hook = CommandHook((named, "--now"))
    assert (complaint(hook, ALLOWED), program(hook, ALLOWED)) == (None, path)


@pytest.mark.parametrize("named", ["", "start", "bin", "../restart", "/restart", "//usr/bin/restart2", "/bin/sh", "*"])
def test_nothing_else_is_run(named: str) -> None:
    """No part of a name, no way around, no other path."""
    hook = CommandHook((named,))
    assert complaint(hook, ALLOWED) == f"{named!r} is not among hooks.commands of the config: {', '.join(ALLOWED)}"
    assert program(hook, ALLOWED) is None


def test_two_that_it_can_be() -> None:
    """The complaint says which."""
    words = "'deploy.sh' may be /etc/bg/deploy.sh or /etc/bg/other/deploy.sh; write the whole path"
    assert complaint(CommandHook(("deploy.sh",)), ALLOWED) == words


def test_programs_are_off_where_none_is_named() -> None:
    """And the complaint says why and where."""
    words = complaint(CommandHook(("/usr/bin/restart",)), ())
    assert words is not None
    assert "hooks.commands" in words


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("BLUEGREEN_BATCH", "BLUEGREEN_BATCH is set by the front door itself"),
        ("LD_PRELOAD", "LD_PRELOAD may not be set from outside: it can make a program run something else"),
        ("PYTHONPATH", "PYTHONPATH may not be set from outside: it can make a program run something else"),
        ("PATH", "PATH may not be set from outside: it can make a program run something else"),
        ("HOME", "HOME may not be set from outside: it can make a program run something else"),
        ("OPENSSL_CONF", "OPENSSL_CONF may not be set from outside: it can make a program run something else"),
        ("A=B", "'A=B' is no name of a variable"),
        ("", "'' is no name of a variable"),
        ("a\0b", "there is a zero byte in it, which no program can be given"),
        ("GIT_COMMIT", None),
        ("NODE_ENV", None),
    ],
)
def test_variables(name: str, reason: str | None) -> None:
    """What makes an allowed program run another one is not let in by its environment."""
    assert complaint(CommandHook(("restart",), ((name, "x"),)), ALLOWED) == reason
