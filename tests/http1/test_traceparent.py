from __future__ import annotations

import re

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from proxy.http1.forwarding import Forwarding, client_scheme, forward_request
from proxy.http1.heads import RequestFields, RequestHead
from proxy.http1.recent import Recent
from proxy.http1.request import read_request
from proxy.http1.traceparent import (
    LONGEST_STATE,
    MOST_MEMBERS,
    bounded_state,
    cut_traceparent,
    read_traceparent,
    take_trace,
)
from tests.http1.heads import TRACEPARENT, strict_fields

IDS = TRACEPARENT[2:-2]
GOOD = re.compile(rb"00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-0[0-3]").fullmatch


def _read(*fields: bytes, recent: Recent[RequestFields] | None = None) -> RequestHead:
    head = b"\r\n".join([b"GET / HTTP/1.1", b"Host: a.example", *fields, b"", b""])
    return read_request(head, max_headers=100, recent=recent)


def _states(head: RequestHead) -> list[bytes]:
    sent = forward_request(head, Forwarding(peer=b"192.0.2.7"), b"id", traceparent=head.traceparent)
    return [value for name, value in strict_fields(sent) if name == b"tracestate"]


@pytest.mark.parametrize("flags", [b"00", b"01", b"02", b"03"])
def test_a_good_value_is_kept(flags: bytes) -> None:
    """Ids and the flags that mean something come through unchanged."""
    assert read_traceparent(b"00" + IDS + flags) == b"00" + IDS + flags


@pytest.mark.parametrize(("flags", "kept"), [(b"ff", b"03"), (b"08", b"00"), (b"a1", b"01")])
def test_flags_without_a_meaning_are_set_to_zero(flags: bytes, kept: bytes) -> None:
    """Bits that no version has defined are not handed on."""
    assert read_traceparent(b"00" + IDS + flags) == b"00" + IDS + kept


@pytest.mark.parametrize("more", [b"", b"-", b"-what-comes-later", b"-01.ff"])
def test_a_later_version_is_read_as_far_as_it_is_known(more: bytes) -> None:
    """It is handed on as version 00, with the four parts that this version has."""
    assert read_traceparent(b"cc" + IDS + b"01" + more) == TRACEPARENT


@pytest.mark.parametrize(
    "value",
    [
        b"",
        b"00",
        TRACEPARENT[:-1],
        TRACEPARENT + b"0",
        TRACEPARENT + b"-",
        TRACEPARENT + b"-more",
        TRACEPARENT.upper(),
        b"00" + IDS + b"0A",
        b"0A" + IDS + b"01",
        b"ff" + IDS + b"01",
        b"ff" + IDS + b"01-more",
        b"cc" + IDS + b"01more",
        b"cc" + IDS + b"01- ",
        b"00-" + b"0" * 32 + b"-00f067aa0ba902b7-01",
        b"00-4bf92f3577b34da6a3ce929d0e0e4736-" + b"0" * 16 + b"-01",
        TRACEPARENT.replace(b"-", b"_"),
        TRACEPARENT.replace(b"f", b"g"),
        TRACEPARENT + b"," + TRACEPARENT,
        b" " + TRACEPARENT,
        TRACEPARENT + b"\n",
    ],
)
def test_what_is_not_valid(value: bytes) -> None:
    """Wrong lengths, upper case, ids of zeros, version ff and whatever else is not in the grammar count as nothing."""
    assert read_traceparent(value) == b""


@given(st.binary() | st.from_regex(rb"[0-9a-f]{2}-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}(-.*)?"))
@example(TRACEPARENT)
def test_any_value_is_read(value: bytes) -> None:
    """Whatever is sent, nothing is raised, and what comes of it is nothing or in order."""
    read = read_traceparent(value)
    assert read == b"" or (GOOD(read) and read[3:52] == value[3:52])
    parent, fields = take_trace([(b"traceparent", b"traceparent:" + value), (b"tracestate", b"tracestate:" + value)])
    assert (parent == b"") == (read_traceparent(value.strip(b" \t")) == b"")
    assert parent or not fields
    cut = cut_traceparent(b"Host: a\r\ntraceparent: " + value + b"\r\n\r\n")
    assert cut is None or cut == (read, b"Host: a\r\n\r\n") or b"\r\n" in value


@pytest.mark.parametrize(
    "fields",
    [
        [b"traceparent: " + TRACEPARENT],
        [b"tracestate: k=v", b"traceparent: " + TRACEPARENT],
        [b"TraceParent:" + TRACEPARENT, b"TRACESTATE: k=v"],
        [b"traceparent: \t" + TRACEPARENT + b" ", b"TE: trailers"],
    ],
)
def test_a_request_in_a_trace(fields: list[bytes]) -> None:
    """The field's name is read in any case; the upstream is told once where it stands, and gets tracestate with it."""
    head = _read(*fields)
    assert head.traceparent == TRACEPARENT
    sent = strict_fields(forward_request(head, Forwarding(peer=b"192.0.2.7"), b"id", b"", b"the-next"))
    assert [value for name, value in sent if name.lower() == b"traceparent"] == [b"the-next"]
    assert len(_states(head)) == len(fields) - 1 or b"TE: trailers" in fields


@pytest.mark.parametrize(
    "fields",
    [
        [],
        [b"traceparent: 00-nonsense"],
        [b"traceparent: " + TRACEPARENT.upper()],
        [b"traceparent: " + TRACEPARENT, b"Traceparent: " + TRACEPARENT],
        [b"traceparent: " + TRACEPARENT, b"traceparent: 00-nonsense"],
        [b"traceparent: " + TRACEPARENT, b"traceparent:"],
        [b"traceparent: " + TRACEPARENT, b"Connection: traceparent"],
    ],
)
@pytest.mark.parametrize("order", [1, -1])
def test_a_request_in_no_trace(fields: list[bytes], order: int) -> None:
    """None, an invalid one or several of them: nothing of it goes on, and tracestate neither."""
    recent: Recent[RequestFields] = Recent()
    for _ in range(3):
        head = _read(*[*fields, b"tracestate: k=v"][::order], recent=recent)
        assert head.traceparent == b""
        assert b"trace" not in forward_request(head, Forwarding(peer=b"192.0.2.7"), b"id")


def test_what_was_remembered_is_no_trace() -> None:
    """Of requests that differ in their trace alone each has its own, and one without has none."""
    recent: Recent[RequestFields] = Recent()
    others = [b"%b%032x%b" % (TRACEPARENT[:3], n, TRACEPARENT[35:]) for n in range(1, 9)]
    heads = [_read(b"traceparent: " + each, b"Accept: */*", recent=recent) for each in others]
    assert [head.traceparent for head in heads] == others
    assert all(head.fields is None and head.passed == heads[0].passed for head in heads)
    assert _read(b"Accept: */*", recent=recent).traceparent == b""


def test_the_limit_of_fields_counts_the_trace() -> None:
    """A head may not have one field more because that one is a trace."""
    head = b"GET / HTTP/1.1\r\nHost: a\r\ntraceparent: " + TRACEPARENT + b"\r\n\r\n"
    assert read_request(head, max_headers=2).traceparent
    with pytest.raises(Exception, match="too many header fields"):
        read_request(head, max_headers=1)


def test_several_states_go_on_in_order() -> None:
    """tracestate may be spread over fields; their order says which vendor was last."""
    fields = [b"tracestate: b=2", b"traceparent: " + TRACEPARENT, b"tracestate:", b"tracestate: a=1, c=3"]
    assert b",".join(state for state in _states(_read(*fields)) if state) == b"b=2,a=1, c=3"


@pytest.mark.parametrize("fields", [1, 40])
def test_too_much_state_is_cut(fields: int) -> None:
    """Long members go first, then the last ones; the first, which are the newest, stay."""
    members = [b"long=" + b"x" * 200, *(b"k%d=v" % n for n in range(200))]
    each = len(members) // fields + 1
    lines = [b"tracestate: " + b",".join(members[at : at + each]) for at in range(0, len(members), each)]
    (state,) = _states(_read(b"traceparent: " + TRACEPARENT, *lines))
    assert state.split(b",") == members[1 : MOST_MEMBERS + 1]


@given(st.lists(st.binary(max_size=300), max_size=5))
def test_the_state_that_goes_on_is_bounded(states: list[bytes]) -> None:
    """Whatever is sent, no more than the bounds say goes on, and nothing that was not sent."""
    kept = bounded_state(states)
    assert len(kept) <= LONGEST_STATE
    assert kept.count(b",") < MOST_MEMBERS
    sent = [each.strip(b" \t") for state in states for each in state.split(b",")]
    assert [member for member in kept.split(b",") if member and member not in sent] == []


@pytest.mark.parametrize(
    ("field", "trusted", "scheme"),
    [
        (b"X-Forwarded-Proto: https", True, b"https"),
        (b"X-Forwarded-Proto: HTTPS", True, b"https"),
        (b"X-Forwarded-Proto: https", False, b"http"),
        (b"X-Forwarded-Proto: gopher", True, b"http"),
        (b"Accept: */*", True, b"http"),
    ],
)
def test_the_scheme_of_the_client(field: bytes, trusted: bool, scheme: bytes) -> None:
    """A trusted proxy tells it; what anybody else says of it does not count."""
    assert client_scheme(_read(field), Forwarding(peer=b"192.0.2.7", trusted=trusted)) == scheme
