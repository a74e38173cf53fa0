"""What tests of gradual moves ask of the program."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests.harness.processes import Process, wait_until
from tests.harness.program import SERVICE, Program

GOING_ON = ("running", "paused")


def start_shift(program: Program, service: str = SERVICE, **plan: Any) -> str:
    """Begin to move traffic to green; the operation's id."""
    reply = program.admin("POST", f"/v1/services/{service}/shift", {"to": "green", **plan})
    assert reply.status == 202, reply
    ident: str = reply.body["id"]
    return ident


def steer(program: Program, ident: str, verb: str, **body: Any) -> None:
    """Pause, resume, promote or abort it."""
    reply = program.admin("POST", f"/v1/operations/{ident}/{verb}", body)
    assert reply.status in (200, 202), reply


def operation(program: Program, ident: str) -> dict[str, Any]:
    """What the admin API says of it."""
    reply = program.admin("GET", f"/v1/operations/{ident}")
    assert reply.status == 200, reply
    body: dict[str, Any] = reply.body
    return body


def wait_over(program: Program, ident: str, *, timeout: float = 20.0) -> dict[str, Any]:
    """The operation once it has ended."""
    wait_until(
        lambda: operation(program, ident)["state"] not in GOING_ON,
        timeout=timeout,
        what=lambda: f"end of {operation(program, ident)}",
    )
    return operation(program, ident)


def wait_paused(program: Program, ident: str, *, timeout: float = 20.0) -> dict[str, Any]:
    """The operation once it waits for something."""
    wait_until(
        lambda: operation(program, ident)["state"] == "paused",
        timeout=timeout,
        what=lambda: f"pause of {operation(program, ident)}",
    )
    return operation(program, ident)


def green_share(program: Program, service: str = SERVICE) -> float:
    """Green's share in percent, as it is served."""
    reply = program.admin("GET", f"/v1/services/{service}")
    share: float = reply.body["split"]["green"]
    return share


def wait_share(program: Program, share: float, *, timeout: float = 20.0) -> None:
    """Until green has so much, or more."""
    wait_until(lambda: green_share(program) >= share, timeout=timeout, what=f"{share} % on green")


def rollback_of(program: Program) -> dict[str, Any]:
    """The newest rollback, once it is over."""
    listed = program.admin("GET", "/v1/operations").body["operations"]
    newest = next(each for each in listed if each["kind"] == "rollback")
    return wait_over(program, newest["id"])


def command(program: Program, output: Path, *arguments: str) -> Process:
    """``bluegreen ARGUMENTS`` in a process of its own."""
    host, port = program.admin_address
    return Process(["-m", "proxy", *arguments, "--admin", f"{host}:{port}"], stdout=output, stderr=output)
