"""Who is told about operations, as it stands in the config file."""

from __future__ import annotations

import pytest

from proxy.config import Settings, json_schema, parse_settings
from proxy.config.schema import ConfigFile
from proxy.config.settings import NotificationEvent, NotificationFormat
from tests.config.conftest import Complaints

SECRET = "T0000-B1111-hush"
URL = f"https://hooks.example/services/{SECRET}"


def settings(services: str, notifications: str, **environ: str) -> Settings:
    """The settings of a file with these notifications."""
    return parse_settings(f"notifications: {notifications}\n{services}\n", file="/srv/c.yaml", environ=environ)


def test_a_url_alone_tells_everything_of_every_service(services: str) -> None:
    """The least that can be written: a document for each start, end and rollback."""
    (target,) = settings(services, "[{url: '${HOOK}'}]", HOOK=URL).notifications
    assert (target.url, target.format) == (URL, NotificationFormat.JSON)
    assert target.on == set(NotificationEvent)
    assert target.services == ("*",)


def test_a_target_may_want_less(services: str) -> None:
    """A format, some events, some services."""
    written = f"[{{url: '{URL}', format: slack, on: [rollback], services: [default]}}]"
    (target,) = settings(services, written).notifications
    assert target.format is NotificationFormat.SLACK
    assert target.on == {NotificationEvent.ROLLBACK}
    assert target.services == ("default",)


def test_a_url_is_shown_nowhere(services: str) -> None:
    """Its path may be the secret: neither the settings nor the config show it, and its name is its host."""
    written = settings(services, f"[{{url: '{URL}'}}]")
    assert SECRET not in repr(written)
    assert written.notifications[0].name == "json at hooks.example"
    section = {"pools": {"blue": {"upstreams": ["a:1"]}, "green": {"upstreams": []}}}
    config = ConfigFile.model_validate({"notifications": [{"url": URL}], "services": {"a": section}})
    assert SECRET not in repr(config)


@pytest.mark.parametrize(
    ("written", "problem"),
    [
        (f"'{URL}'", "1:16: notifications: must be a list: write each as - url: …, or [] for none"),
        (f"['{URL}']", "1:17: notifications[0]: must be a mapping: write url: before the URL"),
        (f"[{{url: ['{URL}']}}]", "1:23: notifications[0].url: must be a URL that begins with http:// or https://"),
        (f"[{{url: 'ftp://{SECRET}/'}}]", "1:23: notifications[0].url: must begin with http:// or https://"),
        (f"[{{url: '{URL}#x'}}]", "1:23: notifications[0].url: must not have a fragment (#…)"),
        (
            f"[{{url: '{URL} x'}}]",
            (
                "1:23: notifications[0].url: must have none but the characters of a URL: "
                "others, such as spaces, are written as %20"
            ),
        ),
        (
            f"[{{url: 'http://169.254.169.254/{SECRET}'}}]",
            "1:23: notifications[0].url: 169.254.169.254 is link-local, where clouds keep the secrets of machines",
        ),
        ("[{}]", "1:17: notifications[0].url: is missing"),
        (f"[{{ulr: '{URL}', url: 'http://a'}}]", "1:18: notifications[0].ulr: unknown key; did you mean 'url'?"),
        (
            "[{url: 'http://a', format: slak}]",
            "1:43: notifications[0].format: must be json or slack, not 'slak'; did you mean 'slack'?",
        ),
        (
            "[{url: 'http://a', on: [ending]}]",
            "1:40: notifications[0].on[0]: must be start, end or rollback, not 'ending'; did you mean 'end'?",
        ),
        ("[{url: 'http://a', on: []}]", "1:39: notifications[0].on: must not be empty"),
        ("[{url: 'http://a', services: []}]", "1:45: notifications[0].services: must not be empty"),
        (
            "[{url: 'http://a', services: [defalt]}]",
            "1:46: notifications[0].services[0]: there is no service 'defalt'; did you mean 'default'?",
        ),
        (
            "[{url: 'http://a', services: [else]}]",
            "1:46: notifications[0].services[0]: there is no service 'else'; write one of services, or '*' for all",
        ),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_without_the_url(
    complaints: Complaints, services: str, written: str, problem: str
) -> None:
    """Place and remedy, and nothing that may be secret."""
    found = complaints(f"notifications: {written}\n{services}\n")
    assert found == [problem]
    assert SECRET not in str(found)


def test_a_page_is_linked_without_its_last_slash(services: str) -> None:
    """Links are made from it."""
    text = f"admin: {{url: 'https://front.example/admin/'}}\n{services}\n"
    assert parse_settings(text, file="/srv/c.yaml", environ={}).admin.url == "https://front.example/admin"


@pytest.mark.parametrize("url", ["https://ada:p@front.example", "https://front.example/?a=1", "https://front.example?"])
def test_nothing_but_a_place_can_be_linked(complaints: Complaints, services: str, url: str) -> None:
    """A password would stand in every message, and behind a query no operation can be named."""
    remedy = "must be scheme, host, port and path alone: what is behind it is added, and everybody reads it"
    assert complaints(f"admin: {{url: '{url}'}}\n{services}\n") == [f"1:14: admin.url: {remedy}"]


def test_editors_are_told_of_each_key() -> None:
    """The schema knows the list and what stands in it."""
    assert json_schema()["properties"]["notifications"]["items"] == {"$ref": "#/$defs/NotificationSection"}
