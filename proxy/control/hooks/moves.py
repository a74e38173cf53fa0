"""Reads which servers came back at another address, as a hook says it."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from typing import Any

from proxy.config.addresses import parse_tcp_address
from proxy.control.hooks.call import Call


def read_moves(document: bytes, call: Call) -> Mapping[str, str]:
    """The new addresses in ``{"addresses": {old: new}}``, by old ones; without those that stayed where they were.

    Raises:
        ValueError: it is not that, or not possible; the message names what offends.
    """
    try:
        answer = json.loads(document, object_pairs_hook=_once)
    except RecursionError:
        raise ValueError("it is not JSON") from None
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8") from None
    except json.JSONDecodeError as error:
        raise ValueError(f"it is not JSON: {error.msg} in line {error.lineno}") from None
    if not isinstance(answer, dict):
        raise ValueError('it is not an object such as {"addresses": {"old:port": "new:port"}}')
    addresses = answer.get("addresses")
    if addresses is None:
        return {}
    if not isinstance(addresses, dict):
        raise ValueError("addresses is not an object with old addresses and their new ones")
    return _checked(addresses, call)


def _once(pairs: Iterable[tuple[str, Any]]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, value in pairs:
        if key in found:
            raise ValueError(f"{key!a} is there twice")
        found[key] = value
    return found


def _checked(addresses: Mapping[str, Any], call: Call) -> Mapping[str, str]:
    moves: dict[str, str] = {}
    for written, value in addresses.items():
        old = _address(written, written)
        if old not in call.addresses:
            raise ValueError(f"{old} is not among the servers of this batch: {', '.join(call.addresses)}")
        if old in moves:
            raise ValueError(f"{old} is there twice")
        moves[old] = _address(value, written)
    places = [moves.get(address, address) for address in call.addresses]
    for old, new in moves.items():
        if new in call.others or places.count(new) > 1:
            raise ValueError(f"{new}, the new address of {old}, is that of another server")
    return {old: new for old, new in moves.items() if new != old}


def _address(value: object, key: str) -> str:
    try:
        return str(parse_tcp_address(value))
    except ValueError as error:
        raise ValueError(f"the address for {key!a}: {error}" if value != key else str(error)) from None
