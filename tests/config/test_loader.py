from __future__ import annotations

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config import ConfigError, Problem, load_settings, parse_settings
from proxy.config.tree import MAX_BYTES
from proxy.traffic.spec import DoorSpec, UpstreamSpec

# The sample of the manual, with every key.
SAMPLE = """
listen: ["0.0.0.0:8080"]                  # front-door addresses (host:port, [v6]:port or unix:PATH)
workers: auto                             # processes; auto = CPUs this process may use
admin:
  listen: "127.0.0.1:9000"                # host:port or unix:PATH; not loopback and no tokens = refused at start
  tokens: []                              # [{name: ci, role: operator, token_file: /run/secrets/ci}]
state: {path: "bluegreen.db"}             # embedded store: SQLite file; relative to the config file
access_log: {format: json, path: "-"}     # json | combined | off
trusted_proxies: []                       # CIDRs whose X-Forwarded-* and X-Request-Id are believed
limits: {max_head: 64KiB, max_headers: 100, max_body: null, max_connections: null}
timeouts: {head: 10s, idle: 75s, connect: 2s, response: 60s, stall: 60s}
shutdown: {grace: 30s}
services:
  default:
    hosts: ["*"]                          # exact, *.suffix or *
    paths: ["/"]                          # prefixes; longest match wins
    initial: blue                         # used only while the store holds no state for this service
    pools:
      blue:  {upstreams: ["127.0.0.1:9001", {address: "127.0.0.1:9002", weight: 2}]}
      green: {upstreams: ["127.0.0.1:9101"]}
    balance: round_robin                  # round_robin | least_requests, both weighted
    max_requests_per_upstream: null       # concurrent; beyond it queue, then 503
    health: {path: /healthz, interval: 2s, timeout: 1s, rise: 2, fall: 3, expect: "200-399", host: null}
    outlier: {consecutive_errors: 5, eject_for: 10s, max_ejected: 50%}
    retry: {attempts: 2, budget: 20%}
    drain: {timeout: 30s, long_lived_timeout: 5m}
    sticky: null                          # {cookie: bg_user} | {header: X-User-Id} | {client_ip: true}
    preview: null                         # {header: X-Bluegreen-Color, cookie: bluegreen_color, token: null}
    keep_warm: 10m                        # how long the old color is watched and a rollback is one store away
"""


def test_the_full_sample_loads() -> None:
    """Every key of the config at its default gives the defaults."""
    settings = parse_settings(SAMPLE, file="/srv/c.yaml", environ={})
    (service,) = settings.services
    assert settings.door == DoorSpec()
    assert settings.state_path == Path("/srv/bluegreen.db")
    assert service.blue == (UpstreamSpec("127.0.0.1:9001"), UpstreamSpec("127.0.0.1:9002", 2))


def failure(path: Path) -> str:
    """The error lines for a file, from the line number on."""
    with pytest.raises(ConfigError) as caught:
        load_settings(path, {})
    return str(caught.value).replace(f"{path}:", "")


def test_variables_and_paths_of_a_file(tmp_path: Path) -> None:
    """A file is read with its variables expanded, and a byte order mark in front of it is no harm."""
    path = tmp_path / "c.yaml"
    path.write_text(SAMPLE.replace("127.0.0.1:9101", "${GREEN}"), encoding="utf-8-sig")
    settings = load_settings(path, {"GREEN": "g:1"})
    assert settings.services[0].green == (UpstreamSpec("g:1"),)
    assert settings.state_path == tmp_path / "bluegreen.db"


def test_files_that_cannot_be_read(tmp_path: Path) -> None:
    """Missing, a folder, empty, too large: one clear line each."""
    empty, large = tmp_path / "empty.yaml", tmp_path / "large.yaml"
    empty.touch()
    large.write_text("#" * (MAX_BYTES + 1))
    assert failure(tmp_path / "gone.yaml") == "1:1: the file cannot be read: No such file or directory"
    assert failure(tmp_path) == "1:1: the file cannot be read: Is a directory"
    assert failure(Path("a\0b")) == "1:1: the file cannot be read: embedded null byte"
    assert failure(empty) == "1:1: the file is empty; it must have at least the key 'services'"
    assert failure(large) == "1:1: the file is larger than 4 MiB"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission(tmp_path: Path) -> None:
    """A file that others may read and we may not is one clear line."""
    path = tmp_path / "c.yaml"
    path.touch(mode=0)
    assert failure(path) == "1:1: the file cannot be read: Permission denied"


@pytest.mark.parametrize(
    ("data", "problem"),
    [
        ("a: 1\nü: ".encode() + b"\xfc\n", "2:4: the file is not UTF-8: the byte 0xFC does not fit; save it as UTF-8"),
        ("a: 1".encode("utf-16"), "1:1: the file is not UTF-8: the byte 0xFF does not fit; save it as UTF-8"),
        (b"\xef\xbb\xbfa: \xff", "1:4: the file is not UTF-8: the byte 0xFF does not fit; save it as UTF-8"),
    ],
)
def test_files_that_are_not_utf_8(tmp_path: Path, data: bytes, problem: str) -> None:
    """The place of the first byte that does not fit is named."""
    path = tmp_path / "c.yaml"
    path.write_bytes(data)
    assert failure(path) == problem


def test_problems_come_in_the_order_of_the_file() -> None:
    """Whoever finds a problem, the reader goes through the file once, from top to bottom."""
    text = "workers: ${NONE}\nlisten: ['a:1', 'a:1']\nshutdown: {grace: 1}\nworkers: 2\nservices: {}\n"
    with pytest.raises(ConfigError) as caught:
        parse_settings(text, file="c", environ={})
    assert [problem.line for problem in caught.value.problems] == [1, 2, 3, 4, 5]


def test_a_value_that_could_not_be_read_is_complained_of_once() -> None:
    """A missing variable is not also a wrong number."""
    with pytest.raises(ConfigError) as caught:
        parse_settings(SAMPLE.replace("workers: auto", "workers: ${NONE}"), file="c", environ={})
    assert [problem.path for problem in caught.value.problems] == ["workers"]


def test_a_thousand_upstreams_load() -> None:
    """A large pool is no special case."""
    upstreams = ", ".join(f'"10.0.{n // 250}.{n % 250}:80"' for n in range(1000))
    text = SAMPLE.replace('"127.0.0.1:9101"', upstreams)
    assert len(parse_settings(text, file="c", environ={}).services[0].green) == 1000


def assert_settings_or_problems(text: str) -> None:
    """Nothing but these two may come of a text, and every problem is one line."""
    problems: tuple[Problem, ...] | None = None
    try:
        settings = parse_settings(text, file="/srv/c.yaml", environ={})
        assert settings.services
    except ConfigError as error:
        problems = error.problems
    assert problems is None or problems
    assert all(len(str(problem).splitlines()) == 1 for problem in problems or ())


KEYS = st.sampled_from(["services", "s", "pools", "blue", "green", "upstreams", "hosts", "listen", "admin", "tokens"])
VALUES = st.recursive(
    st.sampled_from(
        ["null", "true", "1", "-1.5", ".nan", "x", "'a:1'", "''", "${X}", "!t 1", "*a", "&a 1", "10s", "/"]
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda items: f"[{', '.join(items)}]"),
        st.dictionaries(KEYS, inner, max_size=4).map(
            lambda d: "{" + ", ".join(f"{k}: {v}" for k, v in d.items()) + "}"
        ),
    ),
    max_leaves=20,
)


@given(VALUES | st.text())
def test_any_text_is_settings_or_a_config_error(text: str) -> None:
    """Whatever is in the file, the answer is settings or a list of problems, each on a line of its own."""
    assert_settings_or_problems(text)


@given(st.sampled_from(SAMPLE.splitlines()), VALUES)
def test_any_value_anywhere_is_settings_or_a_config_error(line: str, value: str) -> None:
    """The sample with any one value exchanged for another, right or wrong, never ends in a traceback."""
    key, colon, _ = line.partition(":")
    text = SAMPLE.replace(line, f"{key}{colon} {value}") if colon else SAMPLE
    assert_settings_or_problems(text)
