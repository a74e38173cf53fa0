"""Which programs rollouts may run: those that the config names, and no others."""

from __future__ import annotations

import os
from collections.abc import Sequence
from fnmatch import fnmatchcase

from proxy.traffic.rollout.plan import CommandHook, Hook

_NOTHING = (
    "no program may be run: the config names none in hooks.commands, for whoever reaches the admin API could run it"
)

_LOADED = (
    *("HOME", "XDG_*"),  # where git, curl, Python and others look for what they run, or obey
    *("LD_*", "GLIBC_TUNABLES", "GCONV_PATH", "LOCPATH", "HOSTALIASES", "OPENSSL_*"),
    *("PATH", "IFS", "ENV", "BASH_*", "BASHOPTS", "SHELLOPTS", "PS4", "CDPATH", "ZDOTDIR"),
    *("PYTHON*", "PERL*", "RUBYOPT", "RUBYLIB", "GEM_PATH", "GEM_HOME", "NODE_OPTIONS", "NODE_PATH"),
    *("JAVA_TOOL_OPTIONS", "_JAVA_OPTIONS", "JDK_JAVA_OPTIONS", "CLASSPATH", "LUA_*", "PHPRC", "PHP_INI_SCAN_DIR"),
    *("GIT_SSH*", "GIT_CONFIG*", "GIT_EXEC_PATH", "GIT_PROXY_COMMAND", "GIT_ASKPASS", "GIT_TEMPLATE_DIR"),
    *("SSH_ASKPASS*", "MAKEFLAGS", "MAKEFILES", "DOCKER_CONFIG", "KUBECONFIG"),
    *("EDITOR", "VISUAL", "PAGER", "LESSOPEN", "LESSCLOSE"),
)
"""Variables by which a loader, a shell or an interpreter is made to run something else."""


def complaint(hook: Hook, allowed: Sequence[str]) -> str | None:
    """Why a hook may not be used, or ``None`` if it may. ``allowed`` are the paths in the config, absolute."""
    if not isinstance(hook, CommandHook):
        return None
    if not allowed:
        return _NOTHING
    if program(hook, allowed) is None:
        named = hook.argv[0] if hook.argv else ""
        found = [path for path in allowed if _is_called(named, path)]
        if found:
            return f"{named!r} may be {' or '.join(found)}; write the whole path"
        return f"{named!r} is not among hooks.commands of the config: {', '.join(allowed)}"
    if any("\0" in text for text in (*hook.argv, *(text for pair in hook.env for text in pair))):
        return "there is a zero byte in it, which no program can be given"
    return next(filter(None, (_name_complaint(name) for name, _ in hook.env)), None)


def program(hook: CommandHook, allowed: Sequence[str]) -> str | None:
    """The path of the program to be run; ``None`` if it is not allowed, or not clear which one is meant."""
    found = {path for path in allowed if hook.argv and _is_called(hook.argv[0], path)}
    return found.pop() if len(found) == 1 else None


def _is_called(named: str, path: str) -> bool:
    """Whether somebody means this path: by all of it, or by its end, such as the name alone."""
    parts = os.path.normpath(named).split("/")
    if named.startswith("/"):
        return os.path.normpath(named) == path
    return bool(named) and ".." not in parts and path.split("/")[-len(parts) :] == parts


def _name_complaint(name: str) -> str | None:
    if not name or not name.isascii() or not name.isprintable() or "=" in name:
        return f"{name!r} is no name of a variable"
    if name.startswith("BLUEGREEN_"):
        return f"{name} is set by the front door itself"
    if any(fnmatchcase(name, pattern) for pattern in _LOADED):
        return f"{name} may not be set from outside: it can make a program run something else"
    return None
