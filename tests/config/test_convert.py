from __future__ import annotations

from pathlib import Path

import pytest

from proxy.config import AdminSettings, ListenSettings, Settings, TcpAddress, UnixAddress, parse_settings
from proxy.traffic.audience import CookieAttributes, PreviewRule, StickyBy, StickyRule
from proxy.traffic.judgement import JudgeRule
from proxy.traffic.spec import (
    AccessLog,
    AccessLogFormat,
    Balance,
    Color,
    DoorSpec,
    DrainRule,
    HealthCheck,
    Limits,
    OutlierRule,
    ResponseHeaders,
    RetryRule,
    ServiceSpec,
    Timeouts,
    UpstreamSpec,
)

EVERYTHING = """
listen: ["0.0.0.0:80", {address: "unix:front.sock", proxy_protocol: true}]
workers: 3
admin: {listen: "unix:/run/admin.sock"}
state: {path: data/b.db}
access_log: {format: off, path: access.log}
response_headers: {server_timing: true, color: true}
trusted_proxies: [10.0.0.0/8, 192.168.0.1]
limits: {max_head: 8KiB, max_headers: 50, max_body: 10MB, max_connections: null}
timeouts: {head: 1s, idle: 2m, connect: 500ms, response: 3s, stall: 1h}
shutdown: {grace: 5s}
services:
  shop:
    hosts: [Shop.example.com, "*.shop.example.com"]
    paths: [/, /api/]
    initial: green
    pools:
      blue: {upstreams: ["One:1", {address: "[0::2]:2", weight: 0}]}
      green: {upstreams: []}
    balance: least_requests
    health: {path: /up, interval: 1s, timeout: 2s, rise: 3, fall: 4, expect: [200, 300-302], host: h:1}
    outlier: {consecutive_errors: 1, eject_for: 2s, max_ejected: 25%}
    retry: {attempts: 1, budget: 0%}
    drain: {timeout: 1s, long_lived_timeout: 2s}
    sticky:
      {cookie: __Secure-u, path: /a, domain: .B.test, max_age: 1h, secure: true, http_only: false, same_site: none}
    preview: {header: X-Look, cookie: look, hosts: {blue: B.shop.test, green: g.shop.test}, token: "open:sesame"}
    judge:
      {min_requests: 7, errors: 2%, latency: 3, max_errors: 10%, max_latency: 2s, confidence: 99%, routes: [/pay/, /]}
    keep_warm: 0s
  plain:
    hosts: [plain]
    pools: {blue: {upstreams: ["a:1"]}, green: {upstreams: ["b:1"]}}
    health: null
    outlier: null
"""


def test_every_key_reaches_its_setting() -> None:
    """With each value other than its default, each setting is other than its default."""
    assert parse_settings(EVERYTHING, file="/srv/c.yaml", environ={}) == Settings(
        listen=(
            ListenSettings(TcpAddress("0.0.0.0", 80)),
            ListenSettings(UnixAddress(Path("/srv/front.sock")), proxy_protocol=True),
        ),
        workers=3,
        admin=AdminSettings(UnixAddress(Path("/run/admin.sock"))),
        state_path=Path("/srv/data/b.db"),
        door=DoorSpec(
            timeouts=Timeouts(head=1.0, idle=120.0, connect=0.5, response=3.0, stall=3600.0),
            limits=Limits(max_head=8192, max_headers=50, max_body=10_000_000, max_connections=None),
            access_log=AccessLog(AccessLogFormat.OFF, "/srv/access.log"),
            trusted_proxies=("10.0.0.0/8", "192.168.0.1/32"),
            response_headers=ResponseHeaders(server_timing=True, color=True),
        ),
        shutdown_grace=5.0,
        services=(_shop(), _plain()),
    )


def _shop() -> ServiceSpec:
    return ServiceSpec(
        name="shop",
        blue=(UpstreamSpec("one:1", 1), UpstreamSpec("[::2]:2", 0)),
        green=(),
        hosts=("shop.example.com", "*.shop.example.com"),
        paths=("/", "/api"),
        initial=Color.GREEN,
        balance=Balance.LEAST_REQUESTS,
        health=HealthCheck("/up", 1.0, 2.0, 3, 4, ((200, 200), (300, 302)), "h:1"),
        outlier=OutlierRule(1, 2.0, 0.25),
        retry=RetryRule(1, 0.0),
        drain=DrainRule(1.0, 2.0),
        sticky=StickyRule(StickyBy.COOKIE, "__Secure-u", CookieAttributes("/a", "b.test", 3600.0, True, False, "None")),
        preview=PreviewRule("X-Look", "look", "b.shop.test", "g.shop.test", "open:sesame"),
        judge=JudgeRule(7, 0.02, 3.0, 0.1, 2.0, 0.99, ("/pay", "/")),
        keep_warm=0.0,
    )


def _plain() -> ServiceSpec:
    upstreams = (UpstreamSpec("a:1"),), (UpstreamSpec("b:1"),)
    return ServiceSpec("plain", *upstreams, hosts=("plain",), health=None, outlier=None)


@pytest.mark.parametrize(
    ("sticky", "rule"),
    [
        ("{cookie: u}", StickyRule(StickyBy.COOKIE, "u")),
        ("{cookie: u, same_site: null}", StickyRule(StickyBy.COOKIE, "u", CookieAttributes(same_site=None))),
        ("{header: X-User}", StickyRule(StickyBy.HEADER, "X-User")),
        ("{client_ip: true}", StickyRule(StickyBy.CLIENT_IP)),
        ("null", None),
    ],
)
def test_each_way_to_tell_users_apart(pools: str, sticky: str, rule: StickyRule | None) -> None:
    """Cookie, header and address become rules; what is not said of a cookie is as browsers are best told."""
    text = f"services: {{s: {{{pools}, sticky: {sticky}}}}}"
    (service,) = parse_settings(text, file="/srv/c.yaml", environ={}).services
    assert service.sticky == rule


def test_a_preview_without_a_word_takes_header_and_cookie(pools: str) -> None:
    """An empty mapping turns the preview on with its defaults."""
    (service,) = parse_settings(f"services: {{s: {{{pools}, preview: {{}}}}}}", file="/c.yaml", environ={}).services
    assert service.preview == PreviewRule()


def test_the_token_of_the_preview_is_not_shown(pools: str) -> None:
    """Whoever prints settings or spec prints no secret."""
    text = f"services: {{s: {{{pools}, preview: {{token: open-sesame}}}}}}"
    assert "open-sesame" not in repr(parse_settings(text, file="/c.yaml", environ={}))
