# ruff: noqa: ISC004 - the rows of these tables are read beside each other; long messages are split as they fit
from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from proxy.config import ConfigError, Role, parse_settings
from proxy.config.checks import EACH, Found, select
from tests.config.conftest import Complaints


def test_select_follows_a_pattern() -> None:
    """Keys, every key and every item; another shape has nothing to select."""
    root = {"a": {"x": [1, 2], "y": [3], "z": 4}, "b": 5}
    assert list(select(root, "a", EACH, EACH)) == [
        Found(("a", "x", 0), 1),
        Found(("a", "x", 1), 2),
        Found(("a", "y", 0), 3),
    ]
    assert list(select(root, "b", EACH)) == []
    assert list(select(None, "a")) == []


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("listen: ['a:80', 'A:80']", ["1:18: listen[1]: a:80 is taken by listen[0]"]),
        ("listen: ['0.0.0.0:80', '127.0.0.1:80']", ["1:24: listen[1]: 127.0.0.1:80 is taken by listen[0]"]),
        ("listen: ['unix:a', 'unix:/srv/a']", ["1:20: listen[1]: unix:/srv/a is taken by listen[0]"]),
        ("listen: ['0.0.0.0:80', '[::]:80']", []),
        ("listen: ['127.0.0.1:9000']", ["1:1: admin.listen: 127.0.0.1:9000 is taken by listen[0]"]),
        ("admin: {listen: '127.0.0.1:8080'}", ["1:17: admin.listen: 127.0.0.1:8080 is taken by listen"]),
        (
            "listen: ['a:80', {address: 'A:80', proxy_protocol: true}]",
            ["1:28: listen[1].address: a:80 is taken by listen[0]"],
        ),
        (
            "listen: [{address: '127.0.0.1:9000'}]",
            ["1:1: admin.listen: 127.0.0.1:9000 is taken by listen[0].address"],
        ),
        ("listen: ['a:80', {address: 'a:81', proxy_protocol: true}]", []),
        ("admin: {listen: 'unix:a.sock'}", []),
        ("admin: {listen: '[::1]:9000'}", []),
        (
            "admin: {listen: '0.0.0.0:9000'}",
            [
                "1:17: admin.listen: 0.0.0.0:9000 can be reached by others and needs no token; "
                "add a token to admin.tokens, or listen on 127.0.0.1 or unix:PATH"
            ],
        ),
        (
            f"admin: {{listen: 'unix:{'x' * 110}'}}",
            ["1:17: admin.listen: the path of a unix socket may have 107 bytes, "
             f"but '/srv/{'x' * 110}' is longer"],
        ),
    ],
)  # fmt: skip
def test_listeners(complaints: Complaints, services: str, text: str, problems: list[str]) -> None:
    """No address is listened on twice, and the admin API is open to nobody who has no token."""
    assert complaints(f"{text}\n{services}\n") == problems


@pytest.mark.parametrize(
    ("blue", "green", "problem"),
    [
        ("'a:1', 'A:1'", "'a:1'", "4:33: services.s.pools.blue.upstreams[1]: a:1 is already at {}.blue.upstreams[0]"),
        (
            "'[::1]:1', {address: '[0::1]:1', weight: 2}",
            "",
            "4:47: services.s.pools.blue.upstreams[1].address: [::1]:1 is already at {}.blue.upstreams[0]",
        ),
        ("", "", "3:5: services.s.pools: both colors are empty; at least one needs an upstream"),
        (
            "'127.0.0.1:8080'",
            "",
            "4:26: {}.blue.upstreams[0]: 127.0.0.1:8080 is our own address 0.0.0.0:8080 (listen); "
            "requests would go in circles",
        ),
        (
            "",
            "{address: 'localhost:9000'}",
            "5:37: {}.green.upstreams[0].address: localhost:9000 is our own address 127.0.0.1:9000 (admin.listen); "
            "requests would go in circles",
        ),
    ],
)
def test_pools(complaints: Complaints, blue: str, green: str, problem: str) -> None:
    """No upstream twice in a pool, not both pools empty, and none that is this program."""
    text = f"services:\n  s:\n    pools:\n      blue: {{upstreams: [{blue}]}}\n      green: {{upstreams: [{green}]}}\n"
    assert complaints(text) == [problem.format("services.s.pools")]


def test_an_upstream_is_no_listener_for_balancers(complaints: Complaints) -> None:
    """A listener that is written out is one of our own addresses as well."""
    text = (
        "listen: [{address: '[::]:8080', proxy_protocol: true}]\n"
        "services: {s: {pools: {blue: {upstreams: ['[::1]:8080']}, green: {upstreams: []}}}}\n"
    )
    assert complaints(text) == [
        "2:43: services.s.pools.blue.upstreams[0]: [::1]:8080 is our own address [::]:8080 (listen[0].address); "
        "requests would go in circles"
    ]


def test_one_color_may_be_empty_and_both_may_share(complaints: Complaints) -> None:
    """A fresh install has no green yet; the same server in both colors is a choice."""
    pools = "services: {s: {pools: {blue: {upstreams: ['a:1']}, green: {upstreams: [%s]}}}}"
    assert complaints(pools % "") == []
    assert complaints(pools % "'a:1'") == []


@pytest.mark.parametrize(
    ("one", "other", "problems"),
    [
        ("", "", ["3:3: services.b.paths: / is claimed already for host * by service 'a'"]),
        ("hosts: [x.com],", "", []),
        ("hosts: [x.com],", "hosts: [y.com],", []),
        ("paths: [/a],", "", []),
        (
            "hosts: [x.com, y.com],",
            "hosts: [Y.com, X.com],",
            ["3:3: services.b.paths: / is claimed already for host y.com by service 'a' and x.com by service 'a'"],
        ),
        (
            "paths: [/api],",
            "paths: [/b, /api/],",
            ["3:19: services.b.paths[1]: /api is claimed already for host * by service 'a'"],
        ),
        ("", "hosts: [x, X],", ["3:18: services.b.hosts[1]: x is already at services.b.hosts[0]"]),
        ("", "paths: [/x, /x/],", ["3:19: services.b.paths[1]: /x is already at services.b.paths[0]"]),
        (
            "hosts: [x.com],",
            "hosts: [y.com], preview: {hosts: {green: X.com}},",
            ["3:3: services.b.paths: / is claimed already for host x.com by service 'a'"],
        ),
        (
            "hosts: [x.com], preview: {hosts: {green: g.x.com}},",
            "hosts: [y.com], preview: {hosts: {blue: g.x.com}},",
            ["3:3: services.b.paths: / is claimed already for host g.x.com by service 'a'"],
        ),
        (
            "hosts: [x.com], preview: {hosts: {green: g.x.com}},",
            "hosts: [x.com], paths: [/api], preview: {hosts: {green: g.x.com}},",
            [],
        ),
        (
            "hosts: [x.com],",
            "hosts: [y.com], preview: {hosts: {blue: z.y.com, green: Y.com}},",
            ["3:63: services.b.preview.hosts.green: y.com is already at services.b.hosts[0]"],
        ),
    ],
)
def test_claims(complaints: Complaints, pools: str, one: str, other: str, problems: list[str]) -> None:
    """Every pair of host and path belongs to one service."""
    assert complaints(f"services:\n  a: {{{one} {pools}}}\n  b: {{{other} {pools}}}\n") == problems


@pytest.mark.parametrize(
    ("lines", "problems"),
    [
        ("sticky: {cookie: u}, preview: {}", []),
        ("sticky: {cookie: u}, preview: {cookie: v}", []),
        (
            "sticky: {cookie: u}, preview: {cookie: u}",
            ["2:46: services.s.preview.cookie: u tells users apart already (sticky.cookie); give this another name"],
        ),
        (
            "sticky: {cookie: bluegreen_color}, preview: {header: X}",
            [
                "2:42: services.s.preview.cookie: bluegreen_color tells users apart already (sticky.cookie); "
                "give this another name"
            ],
        ),
    ],
)
def test_one_cookie_has_one_meaning(complaints: Complaints, pools: str, lines: str, problems: list[str]) -> None:
    """The cookie that tells users apart cannot be the one that asks for a color, by default neither."""
    assert complaints(f"services:\n  s: {{{lines}, {pools}}}\n") == problems


TOKEN = "{{name: {}, role: operator, token_file: {}}}"


def test_tokens_are_taken_with_their_files(tmp_path: Path, services: str) -> None:
    """With a token the admin API may listen anywhere; its file is found beside the config."""
    (tmp_path / "ci.token").write_text("secret\n")
    text = f"admin: {{listen: '0.0.0.0:9000', tokens: [{TOKEN.format('ci', 'ci.token')}]}}\n{services}"
    (token,) = parse_settings(text, file=str(tmp_path / "c.yaml"), environ={}).admin.tokens
    assert (token.name, token.role, token.file) == ("ci", Role.OPERATOR, tmp_path / "ci.token")


def test_tokens_that_are_refused(tmp_path: Path, services: str) -> None:
    """A name given twice, a file that is missing and one that is empty are told of together."""
    (tmp_path / "empty").touch()
    tokens = ", ".join([TOKEN.format("ci", "empty"), TOKEN.format("ci", "gone")])
    with pytest.raises(ConfigError) as caught:
        parse_settings(f"admin: {{tokens: [{tokens}]}}\n{services}", file=str(tmp_path / "c.yaml"), environ={})
    assert [f"{problem.path}: {problem.message}" for problem in caught.value.problems] == [
        f"admin.tokens[0].token_file: {tmp_path}/empty is empty; it must hold the token",
        "admin.tokens[1].name: ci is already at admin.tokens[0].name",
        f"admin.tokens[1].token_file: {tmp_path}/gone cannot be read: No such file or directory",
    ]


def test_the_secret_of_webhooks_is_taken_with_its_file(tmp_path: Path, services: str) -> None:
    """It is found beside the config; without one nothing is signed."""
    (tmp_path / "secret").write_text("sesame\n")
    file = str(tmp_path / "c.yaml")
    signed = parse_settings(f"gates: {{secret_file: secret}}\n{services}", file=file, environ={})
    unsigned = parse_settings(f"gates: {{secret_file: null}}\n{services}", file=file, environ={})
    assert (signed.gate_secret_file, unsigned.gate_secret_file) == (tmp_path / "secret", None)


def test_a_secret_that_cannot_be_read_is_refused(tmp_path: Path, services: str) -> None:
    """Before the program starts, and not when the first gate is asked."""
    (tmp_path / "empty").touch()
    for name, reason in [
        ("empty", "is empty; it must hold the secret"),
        ("gone", "cannot be read: No such file or directory"),
        (".", "is a folder, not a file with a secret"),
    ]:
        with pytest.raises(ConfigError) as caught:
            parse_settings(f"gates: {{secret_file: {name}}}\n{services}", file=str(tmp_path / "c.yaml"), environ={})
        (problem,) = caught.value.problems
        assert f"{problem.path}: {problem.message}" == f"gates.secret_file: {tmp_path / name} {reason}"


def test_programs_are_found_beside_the_config(tmp_path: Path, services: str) -> None:
    """Each in one spelling, and once."""
    (tmp_path / "deploy.sh").touch(mode=0o755)
    commands = f"[deploy.sh, ./x/../deploy.sh, {sys.executable}]"
    file = str(tmp_path / "c.yaml")
    settings = parse_settings(f"hooks: {{commands: {commands}}}\n{services}", file=file, environ={})
    assert settings.hook_commands == (str(tmp_path / "deploy.sh"), os.path.normpath(sys.executable))
    assert parse_settings(services, file=file, environ={}).hook_commands == ()


def test_programs_that_cannot_be_run_are_refused(tmp_path: Path, services: str) -> None:
    """Before servers are taken out for them; what is no path at all is complained of once."""
    (tmp_path / "text").touch(mode=0o644)
    text = f"hooks: {{commands: [gone, text, ., '{'x' * 5000}', 7]}}\n{services}"
    with pytest.raises(ConfigError) as caught:
        parse_settings(text, file=str(tmp_path / "c.yaml"), environ={})
    assert [f"{problem.path}: {problem.message}" for problem in caught.value.problems] == [
        f"hooks.commands[0]: {tmp_path}/gone does not exist",
        f"hooks.commands[1]: {tmp_path}/text cannot be run by us: it is not executable (chmod +x)",
        f"hooks.commands[2]: {tmp_path} is no file",
        f"hooks.commands[3]: {tmp_path}/{'x' * 5000} cannot be run: File name too long",
        "hooks.commands[4]: must be the path of a file, not 7",
    ]


def test_checks_run_beside_errors_of_shape(complaints: Complaints) -> None:
    """A file is corrected in one round: what is malformed does not hide what contradicts."""
    text = (
        "workers: none\n"
        "admin: {listen: '0.0.0.0:9000'}\n"
        "services:\n"
        "  a: {pools: {blue: {upstreams: ['x:1', 'x:1', 7]}}}\n"
        "  b: {}\n"
        "  b: {}\n"
    )
    assert [line.partition(": ")[0] for line in complaints(text)] == [
        "1:10",
        "2:17",
        "4:7",
        "4:41",
        "4:48",
        "5:3",
        "5:3",
        "6:3",
    ]
