"""An admin API that answers what a test tells it to, and remembers what it was asked."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer. ``raw`` is sent instead of a JSON document."""

    body: Any = None
    status: int = 200
    raw: bytes | None = None
    content_type: str = "application/json"


@dataclass(frozen=True, slots=True)
class Asked:
    """One call that came."""

    method: str
    path: str
    body: Any
    authorization: str | None


@dataclass(slots=True)
class Script:
    """Answers by method and path without its query; the last one of a list goes on being given."""

    address: str = ""
    answers: dict[tuple[str, str], list[Answer | Callable[[], Answer]]] = field(default_factory=dict)
    asked: list[Asked] = field(default_factory=list)

    def on(self, method: str, path: str, *answers: Answer | Callable[[], Answer]) -> None:
        """Answer this call so: with the first the first time, and so on."""
        self.answers[method, path] = list(answers)

    def changes(self) -> list[Asked]:
        """The calls that were to change something."""
        return [asked for asked in self.asked if asked.method != "GET"]

    def answer(self, method: str, path: str) -> Answer:
        """What is next."""
        answers = self.answers.get((method, path.partition("?")[0]), [problem(404, "not_found")])
        answer = answers.pop(0) if len(answers) > 1 else answers[0]
        return answer if isinstance(answer, Answer) else answer()


@contextmanager
def scripted_admin() -> Iterator[Script]:
    """Serve a script on a free port of loopback."""
    script = Script()
    server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(script))
    script.address = f"127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    try:
        yield script
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def _handler(script: Script) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            data = self.rfile.read(int(self.headers.get("Content-Length") or 0))
            body = json.loads(data) if data else None
            script.asked.append(Asked(self.command, self.path, body, self.headers.get("Authorization")))
            answer = script.answer(self.command, self.path)
            self.send_response(answer.status)
            self.send_header("Content-Type", answer.content_type)
            self.end_headers()
            self.wfile.write(json.dumps(answer.body).encode() if answer.raw is None else answer.raw)

        do_POST = do_PUT = do_PATCH = do_DELETE = do_GET  # noqa: N815 - the base class asks for these

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
            pass

    return Handler


def problem(status: int, code: str, **facts: Any) -> Answer:
    """A refusal."""
    document = {
        "type": "about:blank",
        "title": "No",
        "status": status,
        "detail": f"it is {code}",
        "code": code,
        **facts,
    }
    return Answer(document, status, content_type="application/problem+json")


def service(name: str = "default", **facts: Any) -> dict[str, Any]:
    """A service as the admin API shows it."""

    def pool(address: str) -> dict[str, Any]:
        return {"in_flight": {"requests": 0, "tunnels": 0}, "upstreams": [upstream(address)]}

    return {
        "name": name,
        "revision": 1,
        "generation": 2,
        "live": "blue",
        "split": {"blue": 100.0, "green": 0.0},
        "state": "serving",
        "pools": {"blue": pool("127.0.0.1:9001"), "green": pool("127.0.0.1:9101")},
        "workers": {"total": 2, "applied": 2},
        "operation": None,
        "warm": None,
        **facts,
    }


def upstream(address: str, **facts: Any) -> dict[str, Any]:
    """A server of a pool."""
    return {"address": address, "weight": 1, "admin": "ready", "health": "healthy", "in_flight": 0, **facts}


def load() -> dict[str, Any]:
    """How the load of a service went: green is new, and worse."""

    def course(requests: float, errors: float, *times: float) -> dict[str, Any]:
        half, most, nearly_all = ([None, seconds, seconds] for seconds in times)
        return {
            "requests": [None, requests, requests],
            "errors": [None, errors, errors],
            "p50": half,
            "p95": most,
            "p99": nearly_all,
            "in_flight": [3, 3, 3],
        }

    blue, green = course(84.4, 84.4 * 0.003, 0.0012, 0.04, 0.048), course(4.4, 0.44, 0.012, 0.4, 0.48)
    return {"service": "default", "now": 1.0, "every": 2.0, "at": [1, 3, 5], "colors": {"blue": blue, "green": green}}


def operation(state: str = "succeeded", **facts: Any) -> dict[str, Any]:
    """A switch to green as the admin API shows it."""
    ended = state not in ("running", "paused")
    receipt = {
        "generation": 3,
        "applied_at": 1.0,
        "spread_ms": 0.5,
        "in_flight_at_flip": 7,
        "finished_on_old": 7 if ended else 0,
        "retried": 0,
        "cut_by_proxy": 0,
        "cut_by_client": 0,
        "failed": 0,
        "dropped": 0,
        "longest_ms": 4.25,
        "drained_at": 2.0 if ended else None,
    }
    progress = {
        "phase": "ended" if ended else "draining",
        "seen_by": 2,
        "workers": 2,
        "in_flight": 0 if ended else 3,
        "tunnels": 0,
        "deadline_at": None,
        "tunnels_deadline_at": None,
    }
    return {
        "id": "op-1",
        "service": "default",
        "kind": "switch",
        "state": state,
        "by": "local",
        "reason": None,
        "started_at": 1.0,
        "ended_at": 2.0 if ended else None,
        "before": {"blue": 100.0, "green": 0.0},
        "after": {"blue": 0.0, "green": 100.0},
        "leaving": [{"color": "blue", "upstream": None}],
        "note": None,
        "progress": progress,
        "shift": None,
        "receipt": receipt,
        **facts,
    }


def shift(state: str = "running", *, phase: str = "shifting", **facts: Any) -> dict[str, Any]:
    """A shift to green as the admin API shows it; ``facts`` are about where it stands."""
    steps = [{"percent": share, "over": 0.0, "pause": 120.0} for share in (5.0, 50.0, 100.0)]
    where = {
        "to": "green",
        "percent": 5.0,
        "target": 100.0,
        "step": 1,
        "steps": steps,
        "hindrance": None,
        "why": None,
        "judged": True,
        "judge": None,
        "gates": [],
        "settled_left": None,
        "elapsed": 12.0,
        "eta": 240.0,
        "eta_at": 1_700_000_000.0,
        **facts,
    }
    begun = operation(state)
    progress = {**begun["progress"], "phase": phase if begun["ended_at"] is None else "ended"}
    receipt = {**begun["receipt"], "served_by_new": 1234, "errors_on_new": 5} if begun["ended_at"] else None
    return {**begun, "kind": "shift", "progress": progress, "shift": where, "note": where["why"], "receipt": receipt}


def entry(number: int, **facts: Any) -> dict[str, Any]:
    """A switch to green in the history."""
    return {
        "id": number,
        "at": 1_700_000_000.0 + number,
        "by": "local",
        "reason": None,
        "service": "default",
        "action": "switch",
        "operation": f"op-{number}",
        "changes": [{"path": "split.green", "before": 0.0, "after": 100.0}],
        "generation": number,
        "revision": number,
        **facts,
    }


def server(address: str, stage: str = "serving", **facts: Any) -> dict[str, Any]:
    """A server in a roll."""
    return {
        "address": address,
        "was": None,
        "stage": stage,
        "since": 1.0,
        "batch": 0,
        "version_before": None,
        "version": None,
        "why": None,
        "in_flight": 0,
        "ramp": 1.0,
        "eta": None,
        **facts,
    }


def roll(*servers: dict[str, Any] | str, state: str = "running", by_hand: bool = False, **facts: Any) -> dict[str, Any]:
    """A roll of blue as the admin API shows it; ``facts`` are about where it stands. A word instead of a server is its
    state; without servers there are two, that are done if it is over.
    """
    state = next((each for each in servers if isinstance(each, str)), state)
    stage = "serving" if state in ("running", "paused") else "done"
    shown = [each for each in servers if isinstance(each, dict)]
    shown = shown or [server(f"127.0.0.1:{port}", stage) for port in (9001, 9002)]
    where = {
        "color": "blue",
        "course": "rolling",
        "plan": {"update": {"kind": "manual" if by_hand else "command"}, "version": "v2"},
        "batch": 0,
        "batches": len(shown),
        "stage": None,
        "servers": shown,
        "hindrance": None,
        "why": None,
        "available": 2,
        "min_available": 1,
        "judge": None,
        "elapsed": 12.0,
        "eta": None,
        "eta_at": None,
        **facts,
    }
    begun = operation(state)
    phase = "rolling" if begun["ended_at"] is None else "ended"
    receipt = {**begun["receipt"], "served_by_new": 1234, "errors_on_new": 5} if begun["ended_at"] else None
    return {
        **begun,
        "kind": "roll",
        "progress": {**begun["progress"], "phase": phase},
        "after": begun["before"],
        "leaving": [],
        "rollout": where,
        "note": where["why"],
        "receipt": receipt,
    }
