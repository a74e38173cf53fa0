from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.traffic.routes import Router

HOSTS = Router(
    [
        (["*"], ["/"], "any"),
        (["*.example.com"], ["/"], "below"),
        (["*.eu.example.com"], ["/"], "far below"),
        (["www.example.com", "[::1]"], ["/"], "exact"),
    ]
)

PATHS = Router(
    [
        (["*"], ["/"], "root"),
        (["*"], ["/api"], "api"),
        (["*"], ["/api/v2/"], "v2"),
    ]
)


@pytest.mark.parametrize(
    ("host", "target"),
    [
        (b"www.example.com", "exact"),
        (b"WWW.Example.COM", "exact"),
        (b"www.example.com:8080", "exact"),
        (b"www.example.com:", "exact"),
        (b"www.example.com.", "exact"),
        (b"[::1]", "exact"),
        (b"[::1]:8080", "exact"),
        (b"shop.example.com", "below"),
        (b"a.b.example.com:80", "below"),
        (b"a.eu.example.com", "far below"),
        (b"eu.example.com", "below"),
        (b"example.com", "any"),
        (b".example.com", "any"),
        (b"badexample.com", "any"),
        (b"www.example.com.evil.net", "any"),
        (b"", "any"),
        (b"[::2]:8080", "any"),
    ],
)
def test_the_most_specific_host_wins(host: bytes, target: str) -> None:
    """Exact before the longest suffix before any; case, port and a last dot make no difference."""
    assert HOSTS.match(host, b"/") == target


@pytest.mark.parametrize(
    ("path", "target"),
    [
        (b"/", "root"),
        (b"*", "root"),
        (b"/apix", "root"),
        (b"/ap", "root"),
        (b"/API", "root"),
        (b"/%61pi", "root"),
        (b"//api", "root"),
        (b"/api", "api"),
        (b"/api/", "api"),
        (b"/api/x", "api"),
        (b"/api?x=/api/v2", "api"),
        (b"/api/v2x", "api"),
        (b"/api/v2", "v2"),
        (b"/api/v2/", "v2"),
        (b"/api/v2/../..", "v2"),
    ],
)
def test_the_longest_prefix_at_a_border_wins(path: bytes, target: str) -> None:
    """Prefixes end where segments do, and the path is compared as it was sent."""
    assert PATHS.match(b"example.com", path) == target


def test_a_host_without_the_path_falls_through() -> None:
    """A specific host that serves only some paths leaves the others to less specific hosts."""
    router = Router(
        [
            (["a.example.com"], ["/one"], "exact"),
            (["*.example.com"], ["/two"], "below"),
            (["*"], ["/three"], "any"),
        ]
    )
    paths = (b"/one", b"/two", b"/three", b"/four")
    assert [router.match(b"a.example.com", path) for path in paths] == ["exact", "below", "any", None]


def test_a_more_specific_host_beats_a_longer_path() -> None:
    """The host decides first."""
    router = Router([(["*"], ["/a/b/c"], "any"), (["example.com"], ["/"], "exact")])
    assert router.match(b"example.com", b"/a/b/c") == "exact"


def test_no_route_is_none() -> None:
    """A request that nobody asked for has no target; a router without routes has none at all."""
    assert Router([(["example.com"], ["/"], "only")]).match(b"example.org", b"/") is None
    assert Router[str]([]).match(b"example.org", b"/") is None


def test_a_single_service_takes_everything() -> None:
    """With one service for every host and path there is nothing to look at, not even in garbage."""
    router = Router([(["*"], ["/"], "only")])
    assert {router.match(host, path) for host in (b"", b"\xff:") for path in (b"*", b"/x", b"")} == {"only"}


def test_a_catch_all_beside_other_hosts_does_not_hide_them() -> None:
    """The short way for a single service is not taken once there is a second one."""
    router = Router([(["*"], ["/"], "any"), (["example.com"], ["/x"], "exact")])
    assert router.match(b"example.com", b"/x") == "exact"


def test_the_first_claim_counts() -> None:
    """Where two services claim the same host and path, the first keeps it."""
    router = Router([(["*"], ["/a"], "first"), (["*"], ["/a/"], "second")])
    assert router.match(b"x", b"/a") == "first"


def test_a_host_of_many_labels_is_found_below_its_suffix() -> None:
    """A name as long as a request head allows is looked up like any other."""
    assert HOSTS.match(b"a." * 30_000 + b"example.com", b"/") == "below"


SEGMENTS = st.lists(st.sampled_from(["a", "b", "ab"]), max_size=4)


@given(prefixes=st.sets(SEGMENTS.map(tuple), max_size=5), segments=SEGMENTS)
def test_matching_is_by_whole_segments(prefixes: set[tuple[str, ...]], segments: list[str]) -> None:
    """The target is the longest configured row of segments that the path begins with."""
    router = Router([(["*"], ["/" + "/".join(prefix)], prefix) for prefix in prefixes])
    fitting = [prefix for prefix in prefixes if tuple(segments[: len(prefix)]) == prefix]
    assert router.match(b"h", b"/" + "/".join(segments).encode()) == max(fitting, key=len, default=None)
