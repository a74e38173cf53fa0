"""The keys of a service that matter while its traffic moves gradually: who stays, who looks ahead, who judges."""

from __future__ import annotations

import enum
from typing import Annotated

from pydantic import Field, model_validator

from proxy.config import fields
from proxy.config.fields import by_default
from proxy.config.section import Section
from proxy.config.wording import listing

_OF_COOKIES = ("path", "domain", "max_age", "secure", "http_only", "same_site")
_COLORS = ("blue", "green")


class SameSite(enum.StrEnum):
    """When a browser sends a cookie with what another site has asked for."""

    STRICT = "strict"
    LAX = "lax"
    NONE = "none"


class StickySection(Section):
    """What tells one user from another; exactly one of cookie, header and client_ip."""

    cookie: fields.CookieName | None = None
    """Name of a cookie. Where the application sets none, the front door does."""
    header: fields.HeaderName | None = None
    """Name of a request header that holds the user."""
    client_ip: bool = False
    """The address of the client; users behind one address move together."""
    path: fields.CookiePath = by_default("/")
    """Path of the cookie that the front door sets."""
    domain: fields.CookieDomain | None = None
    """Domain of that cookie; null: the host that was asked, and no other."""
    max_age: fields.Duration | None = None
    """How long browsers keep it; null: until they are closed."""
    secure: bool = False
    """Whether it is sent over HTTPS only."""
    http_only: bool = True
    """Whether scripts of the page cannot read it."""
    same_site: Annotated[SameSite | None, Field(strict=False)] = by_default("lax")
    """strict, lax or none; null leaves it to the browser."""

    @model_validator(mode="after")
    def _one_way(self) -> StickySection:
        given = [name for name in ("cookie", "header", "client_ip") if getattr(self, name)]
        if len(given) != 1:
            found = f", not {listing(given, last='and')}" if given else ""
            raise ValueError(f"must name exactly one of cookie, header and client_ip{found}")
        attributes = [name for name in _OF_COOKIES if name in self.model_fields_set]
        if attributes and self.cookie is None:
            raise ValueError(f"{listing(attributes, last='and')} can only be said of a cookie, not of {given[0]}")
        return self

    @model_validator(mode="after")
    def _what_browsers_take(self) -> StickySection:
        """RFC 6265bis, sections 4.1.3 and 5.6: browsers throw away a cookie that breaks these rules."""
        name = (self.cookie or "").lower()
        if name.startswith(("__host-", "__secure-")) and not self.secure:
            raise ValueError(f"browsers take {self.cookie} only with secure: true")
        if name.startswith("__host-") and (self.path != "/" or self.domain is not None):
            raise ValueError(f"browsers take {self.cookie} only with path: / and without a domain")
        if self.same_site is SameSite.NONE and not self.secure:
            raise ValueError("browsers take same_site: none only with secure: true")
        return self


class PreviewHosts(Section):
    """Host names at which one color is seen; paths and servers are those of the service."""

    blue: fields.ExactHost | None = None
    """Where blue is seen."""
    green: fields.ExactHost | None = None
    """Where green is seen."""


class PreviewSection(Section):
    """How testers ask for a color, whatever the split says. They are left out when colors are compared."""

    header: fields.HeaderName | None = by_default("X-Bluegreen-Color")
    """Name of a request header with the color; null: none."""
    cookie: fields.CookieName | None = by_default("bluegreen_color")
    """Name of a cookie with the color; null: none."""
    hosts: PreviewHosts = Field(default_factory=PreviewHosts)
    """A host name for each color."""
    token: fields.Secret | None = Field(default=None, repr=False)
    """With it, header or cookie must be COLOR:TOKEN, also at these host names. null: everybody may look."""

    @model_validator(mode="after")
    def _some_way(self) -> PreviewSection:
        if self.header is None and self.cookie is None:
            if self.token is not None:
                raise ValueError("the token comes in a header or a cookie: name one of them")
            if not any(getattr(self.hosts, color) for color in _COLORS):
                raise ValueError("names neither header, cookie nor hosts, so nobody could look; if that is meant: null")
        return self


class JudgeSection(Section):
    """How much worse than the old color a new one may be. During a shift both are compared second by second."""

    min_requests: fields.Count = by_default(100)
    """So many requests must the new color have answered before anything is said about it."""
    errors: fields.Percent = by_default("0.5%")
    """By so much may its share of 5xx, and of failed attempts, be higher."""
    latency: Annotated[float, Field(ge=1.0, le=1000.0, allow_inf_nan=False)] = by_default(1.5)
    """So many times slower may it be, at the median and at p99."""
    max_errors: fields.Percent | None = None
    """A share of 5xx that is too high whatever the old color does, unless it was so before; null: none."""
    max_latency: fields.Duration | None = None
    """A p99 that is too long whatever the old color does, unless it was so before; null: none."""
    confidence: fields.Confidence = by_default("99.9%")
    """How sure it has to be that a difference is no chance, over all looks together."""
    routes: list[fields.PathPrefix] = Field(default_factory=list)
    """Path prefixes that are compared by themselves as well."""
