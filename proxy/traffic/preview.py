"""Testers: who is shown a color because they ask for it, whatever the split says."""

from __future__ import annotations

from hmac import compare_digest
from typing import Final

from proxy.traffic.audience import PreviewRule
from proxy.traffic.spec import Color

_COLORS: Final = {color.value.encode(): color for color in Color}


class Preview:
    """What one service takes for the wish of a tester.

    A host name decides before header and cookie, as it is the most particular thing to say. Where there is a token, the
    host alone does not make a tester: header or cookie have to say it, with whichever color. Whoever says it wrong is
    no tester, and is served like everybody.
    """

    __slots__ = ("_hosts", "_token")

    def __init__(self, rule: PreviewRule) -> None:
        named = ((rule.blue_host, Color.BLUE), (rule.green_host, Color.GREEN))
        self._hosts = {host.lower().encode(): color for host, color in named if host is not None}
        self._token = None if rule.token is None else rule.token.encode()

    def wish(self, host: bytes, said: tuple[bytes, bytes]) -> Color | None:
        """The color that a tester asks for; ``None`` for everybody else.

        ``host`` is in lower case and has no port; ``said`` are the values of header and cookie, ``b""`` for none.
        """
        written = self._color(said[0]) or self._color(said[1])
        hosted = self._hosts.get(host.removesuffix(b".")) if self._hosts else None
        if hosted is None or (self._token is not None and written is None):
            return written
        return hosted

    def _color(self, value: bytes) -> Color | None:
        if not value:
            return None
        if self._token is None:
            return _COLORS.get(value)
        color, _, token = value.partition(b":")
        return _COLORS.get(color) if compare_digest(token, self._token) else None
