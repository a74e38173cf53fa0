from __future__ import annotations

import pytest

from proxy.http1.errors import Reason, RequestError, ResponseError


@pytest.mark.parametrize("reason", Reason)
def test_status_follows_from_reason(reason: Reason) -> None:
    """Every refusal of a request is answered by one status of the client's or of this proxy's limits."""
    assert RequestError(reason, "why").status in {400, 405, 408, 413, 414, 417, 426, 431, 444, 501, 503, 505, 508}


@pytest.mark.parametrize("reason", Reason)
def test_upstreams_fault_is_a_bad_gateway(reason: Reason) -> None:
    """Whatever an upstream does wrong, the client hears 502."""
    assert ResponseError(reason, "why").status == 502


@pytest.mark.parametrize("reason", Reason)
def test_reason_is_fit_for_a_label(reason: Reason) -> None:
    """A reason is one lower-case word, so that it can be the label of a metric."""
    assert reason.value.replace("_", "").isalpha()
    assert reason.value.islower()
