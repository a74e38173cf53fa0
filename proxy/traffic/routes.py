"""Which service a request is for, by its host and its path."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, Generic, TypeVar

T = TypeVar("T")

_BORDERS: Final = frozenset({b"", b"/", b"?"})
"""What may follow a matching prefix: nothing, the next segment, or the query if the whole target was given."""


class Router(Generic[T]):
    """Finds the most specific route: first by host, then by path.

    Hosts are exact names, ``*.suffix`` (any name below it, not the suffix itself) or ``*``, most specific first. Paths
    are prefixes that end at the border of a segment, longest first; ``/`` is every path, and a slash at the end of a
    prefix means nothing (as in the Kubernetes Gateway API). A host none of whose paths match leaves the request to the
    next less specific host.

    What a lookup costs depends on the routes: each distinct length of suffix or prefix is one lookup in a dict, and
    nothing is remembered between requests. A host of a thousand labels takes no more lookups than one of two.
    """

    __slots__ = ("_any", "_everything", "_exact", "_lengths", "_suffixes")

    def __init__(self, routes: Iterable[tuple[Sequence[str], Sequence[str], T]]) -> None:
        """``routes`` are (hosts, paths, target); where two claim the same host and path, the first keeps it."""
        hosts = _by_host(routes)
        self._any = _Paths(hosts.pop(b"*", {}))
        self._suffixes = {host[1:]: _Paths(paths) for host, paths in hosts.items() if host.startswith(b"*.")}
        self._exact = {host: _Paths(paths) for host, paths in hosts.items() if not host.startswith(b"*.")}
        self._lengths = _longest_first(self._suffixes)
        self._everything = None if hosts else self._any.everything

    def match(self, host: bytes, path: bytes) -> T | None:
        """The target of a request, or ``None`` when no route is for it.

        ``host`` is the name that was asked for, in any case, with or without port (RFC 9110 section 7.2). ``path`` is
        taken as it was sent, with or without query: nothing is decoded or normalized, so ``/a/../b`` is below ``/a``.
        The ``*`` of OPTIONS (RFC 9112 section 3.2.4) is matched by ``/``.
        """
        if self._everything is not None:
            return self._everything
        # Most hosts come as they are written in the routes.
        name = host if host in self._exact else _name_of(host)
        if name in self._exact and (target := self._exact[name].match(path)) is not None:
            return target
        for length in self._lengths:
            paths = self._suffixes.get(name[-length:]) if len(name) > length else None
            if paths is not None and (target := paths.match(path)) is not None:
                return target
        return self._any.match(path)


class _Paths(Generic[T]):
    """The prefixes of one host."""

    __slots__ = ("_lengths", "_prefixes", "_root", "everything")

    def __init__(self, prefixes: Mapping[bytes, T]) -> None:
        self._root = prefixes.get(b"")
        self._prefixes = {prefix: target for prefix, target in prefixes.items() if prefix}
        self._lengths = _longest_first(self._prefixes)
        self.everything = None if self._prefixes else self._root
        """The one target of all paths, if there is one."""

    def match(self, path: bytes) -> T | None:
        for length in self._lengths:
            target = self._prefixes.get(path[:length])
            if target is not None and path[length : length + 1] in _BORDERS:
                return target
        return self._root


def _by_host(routes: Iterable[tuple[Sequence[str], Sequence[str], T]]) -> dict[bytes, dict[bytes, T]]:
    found: dict[bytes, dict[bytes, T]] = {}
    for hosts, paths, target in routes:
        for host in hosts:
            prefixes = found.setdefault(_name_of(host.encode()), {})
            for path in paths:
                prefixes.setdefault(path.rstrip("/").encode(), target)
    return found


def _longest_first(keys: Iterable[bytes]) -> tuple[int, ...]:
    return tuple(sorted({len(key) for key in keys}, reverse=True))


def _name_of(host: bytes) -> bytes:
    """The bare name: lower case, no port, and no dot at the end, which only says that the name is complete."""
    name = host.lower()
    if b":" in name and not name.endswith(b"]"):  # [v6] has colons that begin no port
        name = name.rpartition(b":")[0]
    return name.removesuffix(b".")
