"""How many hops a request has left (RFC 9110 7.6.2)."""

from __future__ import annotations

import re
from typing import Final

from proxy.http1.errors import Reason, RequestError
from proxy.http1.fields import Field, new_field, value_of

_NAME: Final = b"max-forwards"
_NUMBER: Final = re.compile(rb"[0-9]{1,10}").fullmatch


def spend_hop(method: bytes, fields: list[Field]) -> tuple[list[Field], bool]:
    """The fields with one hop less in Max-Forwards, and whether there was none left, so that nobody is asked any more.

    It counts for OPTIONS alone (TRACE is refused); with every other method it is passed on as it came. Raises
    :class:`RequestError` where it is no number.
    """
    if method != b"OPTIONS":
        return fields, False
    values = [value_of(line) for lower, line in fields if lower == _NAME]
    if not values:
        return fields, False
    if len(values) > 1 or not _NUMBER(values[0]):
        raise RequestError(Reason.FIELD, "Max-Forwards is not a number")
    left = int(values[0])
    fewer = new_field(b"Max-Forwards", b"%d" % max(left - 1, 0))
    return [fewer if field[0] == _NAME else field for field in fields], left == 0
