from __future__ import annotations

import pytest

from proxy.traffic.gates import Gates, Moment, PromQuery, Webhook, gate_url_complaint, shown_url

STRANGE = "must have none but the characters of a URL: others, such as spaces, are written as %20"


@pytest.mark.parametrize(
    "url",
    [
        "http://a",
        "https://ci.example:8443/gate?for=shop&x=%20",
        "https://ada:sesame@ci.example/",
        "http://[::1]:9090/prometheus",
        "http://xn--bcher-kva.example",
        "http://10.0.0.1",
        "http://ci.example./",
    ],
)
def test_good_urls(url: str) -> None:
    """http and https, with whatever else a URL may have."""
    assert gate_url_complaint(url) is None


@pytest.mark.parametrize(
    ("url", "complaint"),
    [
        ("", "must begin with http:// or https://"),
        ("ci.example/gate", "must begin with http:// or https://"),
        ("file:///etc/passwd", "must begin with http:// or https://"),
        ("unix:/run/gate", "must begin with http:// or https://"),
        ("http://", "must name a host, and may name a port from 1 to 65535"),
        ("http:///gate", "must name a host, and may name a port from 1 to 65535"),
        ("http://ada@:80/", "must name a host, and may name a port from 1 to 65535"),
        ("http://a:0/", "must name a host, and may name a port from 1 to 65535"),
        ("http://a:65536/", "must be a URL such as https://ci.example/gate"),
        ("http://a:http/", "must be a URL such as https://ci.example/gate"),
        ("http://[::1/", "must be a URL such as https://ci.example/gate"),
        ("http://a..b/", "must name a host that can exist"),
        ("http://127.1/", "must name a host that can exist"),
        ("http://10.0.0.1./", "must name a host that can exist"),
        ("http://0/", "must name a host that can exist"),
        ("http://[fe80::1%25lo]/", "must name a host that can exist"),
        ("http://a%41/", "must name a host that can exist"),
        ("http://a\N{FULLWIDTH SOLIDUS}b/", STRANGE),
        (f"http://{'a' * 64}/", "must name a host that can exist"),
        ("http://bücher.example/", STRANGE),
        ("http://a/#part", "must not have a fragment (#…)"),
        ("http://a/b c", STRANGE),
        ("http://a\\@b/", STRANGE),
        ("http://a/\r\nHost:b", STRANGE),
        ("http://a/" + "b" * 2000, "must not be longer than 2000 characters"),
    ],
)
def test_bad_urls(url: str, complaint: str) -> None:
    """Each is told what it should be instead, and never quoted: there may be a password in it."""
    assert gate_url_complaint(url) == complaint


def test_names_hold_no_secret_and_are_short() -> None:
    """What comes into the journal is read by more people than may know passwords."""
    assert shown_url("http://a?b=c@d/e") == "http://a"
    assert shown_url("https://ada:p@ss@ci.example:8443/gate?key=1") == "https://ci.example:8443/gate"
    assert Webhook("https://ada:p@ci.example/gate?key=1", ()).name == "webhook https://ci.example/gate"
    assert PromQuery("http://p", 'sum(\n  rate(x{a="b"}[5m])\n)', ()).name == 'query sum( rate(x{a="b"}[5m]) )'
    assert PromQuery("http://p", "x" * 500, ()).name == f"query {'x' * 79}…"


def test_gates_are_asked_at_their_moments() -> None:
    """Webhooks first, each where it was said; only three moments decide anything."""
    start = Webhook("http://a", (Moment.BEFORE_START,))
    both = PromQuery("http://p", "up", (Moment.BEFORE_START, Moment.AFTER))
    gates = Gates((start,), (both,))
    assert gates.asked_at(Moment.BEFORE_START) == (start, both)
    assert gates.asked_at(Moment.AFTER) == (both,)
    assert gates.asked_at(Moment.ON_ROLLBACK) == ()
    assert [moment for moment in Moment if not moment.decides] == [Moment.AFTER, Moment.ON_ROLLBACK]
