"""The parameters of pages."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from proxy.control.admin import kinds
from proxy.control.admin.requests import NoQuery

_Text = Annotated[str, Field(max_length=100)]


class OverviewQuery(NoQuery):
    """Of the list of services; where there is only one, of its page."""

    page: kinds.PageNumber = 1
    find: _Text = ""
    """Only what has this in its name."""
    blue: kinds.PageNumber = 1
    green: kinds.PageNumber = 1


class ServiceQuery(NoQuery):
    """Of the page of a service."""

    blue: kinds.PageNumber = 1
    """The page of blue upstreams."""
    green: kinds.PageNumber = 1
    find: _Text = ""
    """Only upstreams with this in their address."""


class OperationQuery(NoQuery):
    """Of the page of an operation."""

    page: kinds.PageNumber = 1
    """The page of its servers."""


class HistoryQuery(NoQuery):
    """Of the history."""

    service: _Text = ""
    before: kinds.EntryId | None = None


class SignInQuery(NoQuery):
    """Of the form for signing in."""

    next: Annotated[str, Field(max_length=2000)] = "/"
    """Where to go afterwards."""
