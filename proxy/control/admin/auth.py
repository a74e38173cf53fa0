"""Who asks: bearer tokens (RFC 6750) with roles."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from aiohttp import hdrs, web

from proxy.config.settings import Role, TokenSettings
from proxy.control.admin.problems import AdminCode, Problem

_CHALLENGE = 'Bearer realm="bluegreen"'


@dataclass(frozen=True, slots=True)
class Token:
    """One token: who holds it, what they may do, and the SHA-256 of the secret."""

    name: str
    role: Role
    digest: bytes


@dataclass(frozen=True, slots=True)
class Identity:
    """Who asks, as the journal will call them."""

    name: str
    role: Role


LOCAL = Identity("local", Role.ADMIN)
"""Everybody, where no tokens are configured: the API then listens on this machine alone."""


def digest_of(secret: bytes) -> bytes:
    """What is kept of a secret. Digests are of one length, so comparing them tells nothing of the secret's."""
    return hashlib.sha256(secret).digest()


def read_tokens(settings: Iterable[TokenSettings]) -> tuple[Token, ...]:
    """The tokens of the config, with their secrets read from their files. White space around a secret is no part of it.

    Raises:
        OSError: a file cannot be read.
        ValueError: a file is empty, or two tokens have one secret, so that nobody could tell who asks.
    """
    tokens: dict[bytes, Token] = {}
    for each in settings:
        secret = each.file.read_bytes().strip()
        if not secret:
            raise ValueError(f"{each.file} is empty; it must hold the token of {each.name}")
        token = Token(each.name, each.role, digest_of(secret))
        other = tokens.setdefault(token.digest, token)
        if other is not token:
            raise ValueError(f"{each.name} and {other.name} have the same token; give each a secret of its own")
    return tuple(tokens.values())


def authenticated(request: web.Request, tokens: Sequence[Token]) -> Identity:
    """Who asks. Raises :class:`Problem` (401) where a token is needed and none that we know is there."""
    if not tokens:
        return LOCAL
    scheme, _, secret = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    if scheme.lower() != "bearer" or not secret.strip():
        raise _unauthorized("this call needs a token: Authorization: Bearer TOKEN", _CHALLENGE)
    found = find_token(tokens, secret)
    if found is None:
        raise _unauthorized("this token is not known", f'{_CHALLENGE}, error="invalid_token"')
    return Identity(found.name, found.role)


def authorize(identity: Identity, role: Role) -> None:
    """Raises :class:`Problem` (403) unless who asks has at least this role."""
    if identity.role < role:
        detail = f"this call needs the role {role.value}; {identity.name} is {identity.role.value}"
        raise Problem(AdminCode.FORBIDDEN, detail, needed=role.value)


def find_token(tokens: Sequence[Token], secret: str) -> Token | None:
    """The token with that secret. All are compared, so that the time taken does not tell how far it came."""
    found, digest = None, digest_of(secret.strip().encode("utf-8", "surrogateescape"))
    for token in tokens:
        if hmac.compare_digest(token.digest, digest):
            found = token
    return found


def _unauthorized(detail: str, challenge: str) -> Problem:
    return Problem(AdminCode.UNAUTHORIZED, detail, headers={hdrs.WWW_AUTHENTICATE: challenge})
