# ruff: noqa: E501, ISC004 - the rows of these tables are read beside each other; long messages are split as they fit
from __future__ import annotations

import pytest

from proxy.config.explain import known_keys
from tests.config.conftest import Complaints

TOP = (
    "listen, workers, admin, state, access_log, response_headers, trusted_proxies, limits, timeouts, shutdown, gates, "
    "hooks, notifications, tracing, services"
)  # fmt: skip


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("limts: {}", "1:1: limts: unknown key; did you mean 'limits'?"),
        ("Workers: 1", "1:1: Workers: unknown key; did you mean 'workers'?"),
        ("zebra: 1", f"1:1: zebra: unknown key; known here: {TOP}"),
        ("limits: {max-body: 1}", "1:10: limits.max-body: unknown key; did you mean 'max_body'?"),
        ("workers: 0", "1:10: workers: must be auto or a whole number from 1 to 1024, not 0"),
        ("workers: true", "1:10: workers: must be auto or a whole number from 1 to 1024, not true"),
        ("workers: 2.0", "1:10: workers: must be auto or a whole number from 1 to 1024, not 2.0"),
        ("workers: '2'", "1:10: workers: must be auto or a whole number from 1 to 1024, not '2'"),
        ("listen: 0.0.0.0:80", "1:9: listen: must be a list, not '0.0.0.0:80'; write ['0.0.0.0:80']"),
        ("listen: []", "1:9: listen: must not be empty"),
        ("tracing: {otlp: {service_name: ''}}", "1:32: tracing.otlp.service_name: must not be empty"),
        ("listen: [x]", "1:10: listen[0]: 'x' has no port; write host:port"),
        ("listen: [{address: x}]", "1:20: listen[0].address: 'x' has no port; write host:port"),
        ("listen: [{proxy_protocol: true}]", "1:10: listen[0].address: is missing"),
        ("listen: [{address: 'a:1', proxy: true}]", "1:27: listen[0].proxy: unknown key; known here: address, proxy_protocol"),
        ("listen: [{address: 'a:1', proxy_protocol: v2}]", "1:43: listen[0].proxy_protocol: must be true or false, not 'v2'"),
        (
            "listen: [80]",
            "1:10: listen[0]: must be an address such as 0.0.0.0:8080, [::]:8080 or unix:PATH, or a mapping with address and proxy_protocol, not 80",
        ),
        ("admin: [x]", "1:8: admin: must be a mapping (key: value), not a list"),
        (
            "timeouts:",
            "1:10: timeouts: must be a mapping (key: value), not nothing (null); write its keys below it, or leave it out",
        ),
        (
            "timeouts: {head: 10}",
            "1:18: timeouts.head: must have a unit: write 10s for seconds, 10ms for milliseconds, or use m or h",
        ),
        ("limits: {max_head: 0}", "1:20: limits.max_head: must be at least 1, not 0"),
        ("limits: {max_headers: yes}", "1:23: limits.max_headers: must be a whole number, not 'yes'"),
        ("limits: {max_headers: .nan}", "1:23: limits.max_headers: must be a whole number, not nan"),
        ("limits: {max_headers: 0755}", "1:23: limits.max_headers: must be a whole number, not '0755'"),
        ("limits: {max_headers: 9999999}", "1:23: limits.max_headers: must be at most 1000000, not 9999999"),
        ("limits: {max_connections: 0}", "1:27: limits.max_connections: must be at least 1, not 0"),
        ("access_log: {format: jsn}", "1:22: access_log.format: must be json, combined or off, not 'jsn'; did you mean 'json'?"),
        ("response_headers: {colour: true}", "1:20: response_headers.colour: unknown key; did you mean 'color'?"),
        ("response_headers: {color: X-Color}", "1:27: response_headers.color: must be true or false, not 'X-Color'"),
        ("access_log: {format: false}", "1:22: access_log.format: must be json, combined or off, not false"),
        ("state: {path: 5}", "1:15: state.path: must be the path of a file, not 5"),
        (
            "trusted_proxies: [10.0.0.1/8]",
            "1:19: trusted_proxies[0]: '10.0.0.1/8' has bits set behind its prefix; write 10.0.0.0/8",
        ),
        ("admin: {tokens: [{}]}", [f"1:18: admin.tokens[0].{key}: is missing" for key in ("name", "role", "token_file")]),
        (
            "admin: {tokens: [{name: 'a b', role: root, token_file: ''}]}",
            [
                "1:25: admin.tokens[0].name: must be 1 to 63 letters, digits, '.', '_', '@' or '-', "
                "the first a letter or a digit, not 'a b'",
                "1:38: admin.tokens[0].role: must be viewer, operator or admin, not 'root'",
                "1:56: admin.tokens[0].token_file: must be the path of a file, not ''",
            ],
        ),
    ],
)  # fmt: skip
def test_errors_of_the_door(complaints: Complaints, services: str, line: str, problem: str | list[str]) -> None:
    """Each wrong line gives exactly these messages: an unknown key at the key, a wrong value at the value."""
    assert complaints(f"{line}\n{services}\n") == ([problem] if isinstance(problem, str) else problem)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("host: [a]", "3:5: services.s.host: unknown key; did you mean 'hosts'?"),
        ("hosts: [5]", "3:13: services.s.hosts[0]: must be a host name, *.suffix or *, not 5"),
        ("hosts: []", "3:12: services.s.hosts: must not be empty"),
        ("paths: /", "3:12: services.s.paths: must be a list, not '/'; write ['/']"),
        ("initial: bleu", "3:14: services.s.initial: must be blue or green, not 'bleu'; did you mean 'blue'?"),
        ("balance: random", "3:14: services.s.balance: must be round_robin or least_requests, not 'random'"),
        ("health: {rise: 0}", "3:20: services.s.health.rise: must be at least 1, not 0"),
        ("health: {interval: 0s}", "3:24: services.s.health.interval: must be longer than zero"),
        ("health: {expect: 2xx}", "3:22: services.s.health.expect: must be status codes from 100 to 599 such as 200-399 or 200,204, not '2xx'"),
        ("health: {hosts: a}", "3:14: services.s.health.hosts: unknown key; did you mean 'host'?"),
        ("outlier: {max_ejected: 0.5}", "3:28: services.s.outlier.max_ejected: must be a percentage with its sign, such as 20%, not 0.5"),
        ("retry: {attempts: 0}", "3:23: services.s.retry.attempts: must be at least 1, not 0"),
        ("retry: {budget: 101%}", "3:21: services.s.retry.budget: must be between 0% and 100%, not 101%"),
        ("drain: {timeout: -1s}", "3:22: services.s.drain.timeout: must be a duration such as 500ms, 30s, 10m or 1h, not '-1s'"),
        ("keep_warm: 600", "3:16: services.s.keep_warm: must have a unit: write 600s for seconds, 600ms for milliseconds, or use m or h"),
        ("keep_warm: null", "3:16: services.s.keep_warm: must be a duration such as 500ms, 30s, 10m or 1h, not nothing (null)"),
        ("sticky: cookie", "3:13: services.s.sticky: must be a mapping (key: value), not 'cookie'"),
        ("sticky: {}", "3:13: services.s.sticky: must name exactly one of cookie, header and client_ip"),
        ("sticky: {client_ip: false}", "3:13: services.s.sticky: must name exactly one of cookie, header and client_ip"),
        ("sticky: {cookie: a, client_ip: true}", "3:13: services.s.sticky: must name exactly one of cookie, header and client_ip, not cookie and client_ip"),
        ("sticky: {cooky: a}", "3:14: services.s.sticky.cooky: unknown key; did you mean 'cookie'?"),
        ("sticky: {cookie: 'a b'}", "3:22: services.s.sticky.cookie: must be the name of a cookie such as bg_user: letters, digits and !#$%&'*+-.^_`|~, not 'a b'"),
        ("sticky: {cookie: 'a=b'}", "3:22: services.s.sticky.cookie: must be the name of a cookie such as bg_user: letters, digits and !#$%&'*+-.^_`|~, not 'a=b'"),
        ("sticky: {header: 'X-User:'}", "3:22: services.s.sticky.header: must be the name of a header such as X-User-Id: letters, digits and !#$%&'*+-.^_`|~, not 'X-User:'"),
        ("sticky: {header: Cookie}", "3:22: services.s.sticky.header: the header Cookie is about the message or its connection; name one that is about the user"),
        ("sticky: {header: a, secure: true}", "3:13: services.s.sticky: secure can only be said of a cookie, not of header"),
        ("sticky: {client_ip: true, path: /, domain: b}", "3:13: services.s.sticky: path and domain can only be said of a cookie, not of client_ip"),
        ("sticky: {cookie: __Secure-a}", "3:13: services.s.sticky: browsers take __Secure-a only with secure: true"),
        ("sticky: {cookie: __host-a, secure: true, domain: a.test}", "3:13: services.s.sticky: browsers take __host-a only with path: / and without a domain"),
        ("sticky: {cookie: __Host-a, secure: true, path: /a}", "3:13: services.s.sticky: browsers take __Host-a only with path: / and without a domain"),
        ("sticky: {cookie: a, same_site: none}", "3:13: services.s.sticky: browsers take same_site: none only with secure: true"),
        ("sticky: {cookie: a, same_site: lazy}", "3:36: services.s.sticky.same_site: must be strict, lax or none, not 'lazy'"),
        ("sticky: {cookie: a, path: 'x'}", "3:31: services.s.sticky.path: must be a path that starts with /, of visible ASCII without ';', not 'x'"),
        ("sticky: {cookie: a, path: '/;x'}", "3:31: services.s.sticky.path: must be a path that starts with /, of visible ASCII without ';', not '/;x'"),
        ("sticky: {cookie: a, domain: 'a;b'}", "3:33: services.s.sticky.domain: 'a;b' is not a host name or an IP address"),
        ("sticky: {cookie: a, domain: 5}", "3:33: services.s.sticky.domain: must be a host name, not 5"),
        ("preview: {header: null, cookie: null}", "3:14: services.s.preview: names neither header, cookie nor hosts, so nobody could look; if that is meant: null"),
        ("preview: {header: null, cookie: null, hosts: {green: a.test}, token: 12345678x}", "3:14: services.s.preview: the token comes in a header or a cookie: name one of them"),
        ("preview: {token: hush}", "3:22: services.s.preview.token: must be 8 to 128 visible ASCII characters without quotes, commas, semicolons and backslashes"),
        ("preview: {hosts: {green: '*.a.test'}}", "3:30: services.s.preview.hosts.green: must be one host name, without a *, not '*.a.test'"),
        ("preview: {hosts: {red: a.test}}", "3:23: services.s.preview.hosts.red: unknown key; known here: blue, green"),
        ("judge: {latency: 0.9}", "3:22: services.s.judge.latency: must be at least 1, not 0.9"),
        ("judge: {latency: .inf}", "3:22: services.s.judge.latency: must be a number, not inf"),
        ("judge: {latency: 1.5x}", "3:22: services.s.judge.latency: must be a number, not '1.5x'"),
        ("judge: {confidence: 100%}", "3:25: services.s.judge.confidence: must be at least 90% and less than 100%, not 100%"),
        ("judge: {confidence: 50%}", "3:25: services.s.judge.confidence: must be at least 90% and less than 100%, not 50%"),
        ("judge: null", "3:12: services.s.judge: must be a mapping (key: value), not nothing (null); write its keys below it, or leave it out"),
        ("max_requests_per_upstream: 9", "3:32: services.s.max_requests_per_upstream: not supported yet; leave it out or write null"),
    ],
)  # fmt: skip
def test_errors_of_a_service(complaints: Complaints, pools: str, line: str, problem: str) -> None:
    """Each wrong line gives exactly this message."""
    assert complaints(f"services:\n  s:\n    {line}\n    {pools}\n") == [problem]


@pytest.mark.parametrize(
    ("upstream", "problem"),
    [
        ("5", "5:10: {}: must be host:port, or a mapping with address and weight, not 5"),
        ("x", "5:10: {}: 'x' has no port; write host:port"),
        ("{address: x}", "5:20: {}.address: 'x' has no port; write host:port"),
        ("{weight: 1}", "5:10: {}.address: is missing"),
        ("{address: 'x:1', weight: -1}", "5:35: {}.weight: must be at least 0, not -1"),
        ("{address: 'x:1', weight: 257}", "5:35: {}.weight: must be at most 256, not 257"),
        ("{address: 'x:1', weight: true}", "5:35: {}.weight: must be a whole number, not true"),
        ("{address: 'x:1', weight: 1.0}", "5:35: {}.weight: must be a whole number, not 1.0"),
        ("{address: 'x:1', weight: .inf}", "5:35: {}.weight: must be a whole number, not inf"),
        ("{address: 'x:1', wieght: 1}", "5:27: {}.wieght: unknown key; did you mean 'weight'?"),
        ("unix:/x", "5:10: {}: must be host:port; a unix socket is not possible here"),
    ],
)
def test_errors_of_an_upstream(complaints: Complaints, upstream: str, problem: str) -> None:
    """The short form and the mapping are told of at the place where they are wrong."""
    text = f"services:\n  s:\n    pools:\n      blue: {{upstreams: [\n         {upstream}]}}\n      green: {{upstreams: []}}\n"
    assert complaints(text) == [problem.format("services.s.pools.blue.upstreams[0]")]


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("[]", ["1:1: must be a mapping (key: value), not a list"]),
        ("hello", ["1:1: must be a mapping (key: value), not 'hello'"]),
        ("workers: 1", ["1:1: services: is missing"]),
        ("services: {}", ["1:11: services: must not be empty"]),
        ("services: [a]", ["1:11: services: must be a mapping (key: value), not a list"]),
        ("services:\n  s: {}", ["2:3: services.s.pools: is missing"]),
        (
            "services:\n  s:\n    pools: {blue: {upstreams: ['a:1']}}",
            [
                "3:5: services.s.pools.green: is missing; a service has both colors, "
                "but one may be empty: {upstreams: []}"
            ],
        ),
        (
            "services:\n  s:\n    pools: {blue: {upstreams: ['a:1']}, green: {}, red: {}}",
            [
                "3:41: services.s.pools.green.upstreams: is missing",
                "3:52: services.s.pools.red: unknown key; known here: blue, green",
            ],
        ),
    ],
)
def test_errors_of_the_outline(complaints: Complaints, text: str, problems: list[str]) -> None:
    """A file of another shape altogether is told what is expected."""
    assert complaints(text) == problems


def test_a_bad_service_name_is_placed_at_the_name(complaints: Complaints, pools: str) -> None:
    """Where a key is wrong by itself, the key is pointed at."""
    assert complaints(f"services:\n  My App: {{{pools}}}\n") == [
        "2:3: services.'My App': a service is named with 1 to 63 of a-z, 0-9, '-' and '_', the first a letter or a digit"
    ]


def test_known_keys_behind_lists_and_short_forms() -> None:
    """The schema is followed through lists, optional sections and named services."""
    assert known_keys(("services", "any", "pools", "blue", "upstreams", 3)) == ("address", "weight")
    assert known_keys(("services", "any", "outlier")) == ("consecutive_errors", "eject_for", "max_ejected")
    assert known_keys(("admin", "tokens", 0)) == ("name", "role", "token_file")
