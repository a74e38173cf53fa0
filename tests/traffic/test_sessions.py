"""The cookie of ours: it says again what was written, and nothing else passes for one."""

from __future__ import annotations

import re

from hypothesis import assume, given
from hypothesis import strategies as st

from proxy.traffic.buckets import service_key
from proxy.traffic.sessions import Seal, Session, has_our_form

SEAL, OTHER = (Seal(bytes.fromhex(service_key("5a" * 32, name))) for name in ("shop", "blog"))

moments = st.integers(0, 2**32 - 1)
sessions = st.builds(Session, st.integers(0, 2**64 - 1), moments, moments, st.integers(0, 9_999))


def said(session: Session | None) -> tuple[int, ...] | None:
    """All that a session says."""
    return (session.user, session.began, session.given, session.place) if session is not None else None


@given(sessions)
def test_a_value_says_again_what_was_written(session: Session) -> None:
    """It comes back whole, in characters that need no quoting in a cookie or URL, and no more than 40 of them."""
    value = SEAL.write(session)
    assert said(SEAL.read(value)) == said(session)
    assert re.fullmatch(rb"[A-Za-z0-9._\-]{1,40}", value)
    assert has_our_form(value)


@given(sessions)
def test_another_service_does_not_take_it(session: Session) -> None:
    """A cookie of one service is worth nothing to another one."""
    assert OTHER.read(SEAL.write(session)) is None


@given(sessions, st.integers(4, 39), st.sampled_from(b"ABCDWXYZabcdwxyz0189-_"))
def test_whatever_is_changed_in_it_makes_it_worthless(session: Session, at: int, character: int) -> None:
    """One changed character is enough."""
    value = bytearray(SEAL.write(session))
    assume(value[at] != character)
    value[at] = character
    assert has_our_form(bytes(value))
    assert SEAL.read(bytes(value)) is None


@given(sessions)
def test_users_at_the_same_place_cannot_tell(session: Session) -> None:
    """What is said in two cookies of different users does not show that it is the same: it is masked for each."""
    twin = Session(session.user ^ 1, session.began, session.given, session.place)
    assert SEAL.write(session)[16:30] != SEAL.write(twin)[16:30]


@given(st.one_of(st.binary(max_size=60), st.from_regex(rb"bg1\.[A-Za-z0-9_\-]{0,40}", fullmatch=True)))
def test_forgeries_are_no_sessions(value: bytes) -> None:
    """What does not look like ours is said to be somebody else's; what does is read as nobody's, and raises nothing."""
    if has_our_form(value):
        assert SEAL.read(value) is None
    else:
        assert not (len(value) == 40 and re.fullmatch(rb"bg1\.[A-Za-z0-9_\-]+", value))
