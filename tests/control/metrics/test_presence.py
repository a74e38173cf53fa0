from __future__ import annotations

from proxy.control.metrics.presence import LINGERING, Presence
from proxy.shm.names import Series
from tests.control.metrics.snapshots import ADDRESS, samples, snapshot, state

CELLS = {
    (Series.SENT_BYTES, "shop", "blue"): (7,),
    (Series.SENT_BYTES, "old", "blue"): (5,),
    (Series.UPSTREAM_REQUESTS, "shop", "blue", ADDRESS, "200"): (4,),
    (Series.UPSTREAM_REQUESTS, "shop", "blue", "127.0.0.1:2", "200"): (3,),
    (Series.TUNNELS, "old", "blue"): (1,),
}
SENT = ("bluegreen_sent_bytes_total", ("old", "blue"))
ANSWERED = ("bluegreen_upstream_requests_total", ("shop", "blue", "127.0.0.1:2", "200"))


def test_what_was_taken_out_is_told_for_a_while_and_then_no_more() -> None:
    """Prometheus gets the last values of a service and an upstream that are gone, and they do not stay for ever."""
    presence = Presence()
    for at in (0.0, LINGERING):
        found = samples(snapshot(at=at, cells=CELLS), presence)
        assert (found[SENT], found[ANSWERED]) == (5, 3)
    found = samples(snapshot(at=LINGERING + 1, cells=CELLS), presence)
    assert SENT not in found
    assert ANSWERED not in found
    assert found["bluegreen_sent_bytes_total", ("shop", "blue")] == 7


def test_what_comes_back_goes_on_where_it_was() -> None:
    """A counter that has ended does not begin again at 0, and a second leave-taking lasts as long as the first."""
    presence = Presence()
    samples(snapshot(at=0.0, cells=CELLS), presence)
    samples(snapshot(at=LINGERING + 1, cells=CELLS), presence)
    back = snapshot(at=LINGERING + 2, cells=CELLS, state=state("shop", "old"))
    assert samples(back, presence)[SENT] == 5
    for at in (LINGERING + 3, 2 * LINGERING + 3):
        assert SENT in samples(snapshot(at=at, cells=CELLS), presence)
    assert SENT not in samples(snapshot(at=2 * LINGERING + 4, cells=CELLS), presence)


def test_what_is_under_way_there_is_told_as_long_as_it_lasts() -> None:
    """A tunnel of a service that is gone is open all the same."""
    presence = Presence()
    samples(snapshot(at=0.0, cells=CELLS), presence)
    later = samples(snapshot(at=10 * LINGERING, cells=CELLS), presence)
    assert later["bluegreen_tunnels_in_flight", ("old", "blue")] == 1
