"""Names and values that end up in header fields: of cookies, of headers, of whoever may look ahead."""

from __future__ import annotations

import re

from proxy.config.addresses import parse_hostname
from proxy.config.wording import described

NAME_PATTERN = r"[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}"
"""A token (RFC 9110, 5.6.2), which is what names of headers and of cookies (RFC 6265, 4.1.1) are made of."""

PATH_PATTERN = r"/[!-:<-~]*"

_SECRET = re.compile(r"[!#-+\--:<-\[\]-~]{8,128}")
"""What may stand in the value of a cookie (RFC 6265, 4.1.1), long enough not to be guessed by the first who tries."""

_OF_THE_MESSAGE = frozenset(
    {"connection", "content-length", "cookie", "host", "keep-alive", "te", "trailer", "transfer-encoding", "upgrade"}
)


def parse_cookie_name(value: object) -> str:
    """The name of a cookie. Raises ``ValueError`` for the person who wrote it."""
    return _name(value, "cookie", "bg_user")


def parse_header_name(value: object) -> str:
    """The name of a header field that may say something about a user. Raises ``ValueError`` as above."""
    name = _name(value, "header", "X-User-Id")
    if name.lower() in _OF_THE_MESSAGE:
        raise ValueError(f"the header {name} is about the message or its connection; name one that is about the user")
    return name


def _name(value: object, what: str, example: str) -> str:
    if not isinstance(value, str) or not re.fullmatch(NAME_PATTERN, value):
        raise ValueError(
            f"must be the name of a {what} such as {example}: letters, digits and !#$%&'*+-.^_`|~, "
            f"not {described(value)}"
        )
    return value


def parse_cookie_path(value: object) -> str:
    """The path of a cookie. Raises ``ValueError`` as above."""
    if not isinstance(value, str) or not re.fullmatch(PATH_PATTERN, value):
        raise ValueError(f"must be a path that starts with /, of visible ASCII without ';', not {described(value)}")
    return value


def parse_domain(value: object) -> str:
    """The domain of a cookie; its subdomains are meant, too. Raises ``ValueError`` as above."""
    if not isinstance(value, str):
        raise ValueError(f"must be a host name, not {described(value)}")
    return parse_hostname(value.removeprefix("."))


def parse_secret(value: object) -> str:
    """A word that is told only to some. It never stands in a message. Raises ``ValueError`` as above."""
    if not isinstance(value, str) or not _SECRET.fullmatch(value):
        raise ValueError("must be 8 to 128 visible ASCII characters without quotes, commas, semicolons and backslashes")
    return value
