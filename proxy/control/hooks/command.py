"""Runs a program for a batch, on a leash."""

from __future__ import annotations

import asyncio
import base64
import json
import os
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import Mapping
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from signal import Signals
from typing import Any

from proxy.control.gates.finding import quoted
from proxy.control.hooks import leash
from proxy.control.hooks.call import Call
from proxy.control.hooks.moves import read_moves
from proxy.control.hooks.outcome import Answer
from proxy.control.hooks.output import harmless, last_line
from proxy.traffic.rollout.plan import CommandHook

INHERITED = frozenset(
    {"PATH", "HOME", "USER", "LOGNAME", "SHELL", "LANG", "LANGUAGE", "TZ", "TMPDIR", "XDG_RUNTIME_DIR"}
)
"""What a program has of our own environment, and what begins with LC_: the rest may hold what is nobody's business."""

_SLACK = 3 * leash.GRACE
"""Seconds after the time of a program after which its leash must have said how it ended."""

_LEASH = str(Path(leash.__file__).resolve())
_MOST_REPORT = 1024 * 1024


async def run_command(program: str, hook: CommandHook, call: Call, folder: Path) -> Answer:
    """Run ``program``, with the arguments of the hook, in a folder. Cancelling this ends it with all its children.

    Raises:
        OSError: no process can be started.
    """
    order = {
        "argv": [program, *hook.argv[1:]],
        "environment": environment(hook, call, os.environ),
        "folder": str(folder),
        "lock": _lock(call, folder),
        "timeout": hook.timeout,
        "grace": leash.GRACE,
    }
    return _answer(await _report(order), Path(program).name, hook.timeout, call)


def environment(hook: CommandHook, call: Call, inherited: Mapping[str, str]) -> dict[str, str]:
    """What a program finds in its environment; where it may write its result comes to that."""
    return {
        **{name: value for name, value in inherited.items() if name in INHERITED or name.startswith("LC_")},
        **dict(hook.env),
        "BLUEGREEN_ACTION": call.action.value,
        "BLUEGREEN_SERVICE": call.service,
        "BLUEGREEN_COLOR": call.color,
        "BLUEGREEN_OPERATION": call.operation,
        "BLUEGREEN_BATCH": str(call.batch),
        "BLUEGREEN_UPSTREAMS": " ".join(call.addresses),
        "BLUEGREEN_VERSION": call.version or "",
        "BLUEGREEN_PREVIOUS_VERSION": call.before or "",
    }


def _lock(call: Call, folder: Path) -> str:
    """A name that is the same for a run and one that takes its place after a restart, and for no other front door."""
    run = f"{folder}\0{call.service}\0{call.identity.partition('/')[0]}"
    return f"bluegreen-hook/{os.getuid()}/{sha256(run.encode('utf-8', 'surrogateescape')).hexdigest()[:32]}"


async def _report(order: Mapping[str, Any]) -> dict[str, Any]:
    """What the leash says about the end of a program; nothing if it died itself."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        *("-I", _LEASH),  # by its file: nothing in the current folder is taken for it
        stdin=PIPE,
        stdout=PIPE,
        start_new_session=True,  # what ends us by Ctrl-C is for us, and it hears from us
        limit=_MOST_REPORT,
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        process.stdin.write(json.dumps(order).encode() + b"\n")
        async with asyncio.timeout(order["timeout"] + _SLACK):
            said = await process.stdout.read()
            await process.wait()
    except TimeoutError:
        said = b""
    finally:
        await _end(process)
    try:
        report: dict[str, Any] = json.loads(said)
    except ValueError:  # it was killed before or while it said it
        return {}
    return report


async def _end(process: Process) -> None:
    """Let the leash end what it holds, and wait for it; within its grace it is done."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        async with asyncio.timeout(_SLACK):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()


def _answer(report: Mapping[str, Any], name: str, timeout: float, call: Call) -> Answer:
    output = harmless(base64.b64decode(report.get("output", "")), printed=report.get("printed", 0))
    ok, words = _ending(report, timeout)
    if not ok:
        said = quoted(last_line(output))
        return Answer(False, f"{name} {words}" + (f": {said}" if said else ""), output=output)
    try:
        return Answer(True, f"{name} {words}", _moves(report, call), output)
    except ValueError as error:
        return Answer(False, f"{name} {words}, but its result is of no use: {quoted(str(error))}", output=output)


def _ending(report: Mapping[str, Any], timeout: float) -> tuple[bool, str]:
    """Whether it ended well, and how in words."""
    left = report.get("left")
    survivors = f"; these of its processes could not be ended: {', '.join(map(str, left))}" if left else ""
    match report:
        case {"end": "ended", "status": int(status)} if status >= 0:
            return status == 0, f"ended with exit status {status}"
        case {"end": "ended", "status": int(number)}:
            return False, f"was ended by {_signal(-number)}"
        case {"end": "timeout"}:
            return False, f"was not done within {timeout:g} s and was ended with all its children{survivors}"
        case {"end": "stopped"}:
            return False, f"was ended with all its children by somebody else{survivors}"
        case {"end": "busy"}:
            return False, f"could not begin within {timeout:g} s, for an earlier run of it had not ended"
        case {"end": "not_started", "why": str(why), "file": file}:
            return False, f"could not be started: {quoted(f'{file}: {why}' if file else why)}"
    return False, "has an unknown end: the process that held it is gone"


def _signal(number: int) -> str:
    try:
        return Signals(number).name
    except ValueError:  # a real-time signal has no name
        return f"signal {number}"


def _moves(report: Mapping[str, Any], call: Call) -> Mapping[str, str]:
    if "result_trouble" in report:
        raise ValueError(report["result_trouble"])
    content = base64.b64decode(report.get("result", ""))
    return read_moves(content, call) if content.strip() else {}
