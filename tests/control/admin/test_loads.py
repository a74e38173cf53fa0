from __future__ import annotations

import pytest

from proxy.shm.histogram import observe
from proxy.shm.meters import Meters
from proxy.shm.names import HISTOGRAM_CELLS, Series
from tests.control.admin.door import Admin


async def test_the_load_is_told_look_by_look(admin: Admin) -> None:
    """Lists of one length for both colors; what is not known is null."""
    admin.loads.look()
    worker = admin.core.crew.workers[0]
    worker.count(5, Series.IN_FLIGHT, "shop", "blue")
    meters = Meters.attach(worker.region.fd)
    observe(meters.cells, meters.block(HISTOGRAM_CELLS, Series.DURATION, "shop", "blue"), 0.045)
    admin.loads.look()
    load = (await admin.api.get("/v1/services/shop/load")).body
    assert load["service"] == "shop"
    assert load["now"] >= load["at"][1] >= load["at"][0]
    blue, green = load["colors"]["blue"], load["colors"]["green"]
    assert blue["requests"][0] is None
    assert blue["requests"][1] > 0
    assert (blue["p50"], blue["p99"], blue["in_flight"]) == ([None, 0.05], [None, 0.05], [0.0, 5.0])
    assert (green["requests"], green["p95"]) == ([None, 0.0], [None, None])
    one = (await admin.api.get("/v1/services/shop/load?points=1")).body
    assert one["at"] == load["at"][1:]
    assert one["colors"]["blue"]["errors"] == [0.0]


@pytest.mark.parametrize("points", ["0", "301", "-1", "many"])
async def test_only_so_many_looks_can_be_asked_for(admin: Admin, points: str) -> None:
    """The refusal names the parameter."""
    reply = await admin.api.get(f"/v1/services/shop/load?points={points}")
    assert reply.status == 400
    assert "points" in reply.body["detail"] or "points" in str(reply.body.get("errors"))


async def test_the_load_of_a_service_that_is_not_there(admin: Admin) -> None:
    """It is not found, like the service itself."""
    assert (await admin.api.get("/v1/services/nobody/load")).code == "service_not_found"
