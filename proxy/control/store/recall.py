"""From what is stored and what the config file says to the state that the program starts with."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import replace

from proxy.control.store.base import Store, StoreCorrupt
from proxy.traffic.configure import initial_state
from proxy.traffic.document import restore_state
from proxy.traffic.model import State
from proxy.traffic.spec import DoorSpec, ServiceSpec


async def recall(store: Store, door: DoorSpec, services: Sequence[ServiceSpec]) -> State:
    """The state to start with: what operators wanted last, under the rules of the present config file.

    A store without a secret is given a new one, which is kept with the first thing that is.

    Raises:
        StoreCorrupt: what is stored makes no sense.
        StoreUnavailable: it cannot be read.
    """
    document = await store.read()
    try:
        state = initial_state(door, services) if document is None else restore_state(document, door, services)
        return state if state.secret else replace(state, secret=secrets.token_hex(32))
    except (KeyError, ValueError, TypeError, AttributeError) as error:
        raise StoreCorrupt(
            f"the stored state is incomplete ({type(error).__name__}: {error}). Put a backup in the store's place, "
            "or move it away: each service then starts from `initial` in the config file"
        ) from error
