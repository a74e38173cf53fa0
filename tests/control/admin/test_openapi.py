from __future__ import annotations

import re
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from proxy.control.admin.openapi import document
from proxy.control.admin.problems import STATUS, AdminCode
from proxy.control.admin.table import ROUTES
from proxy.traffic.refusal import RefusalCode
from tests.control.admin.door import Api


def operations(paths: Any) -> list[Any]:
    """Every operation of the document."""
    return [operation for methods in paths.values() for operation in methods.values()]


@pytest.mark.parametrize("secured", [True, False])
def test_the_document_is_valid(secured: bool) -> None:
    """By the rules of OpenAPI 3.1."""
    OpenAPIV31SpecValidator(document(secured=secured)).validate()


async def test_what_is_served_is_what_is_documented(api: Api) -> None:
    """One document, every route in it."""
    served = (await api.get("/openapi.json")).body
    assert served == document(secured=False)
    assert {(route.method.lower(), route.path) for route in ROUTES} == {
        (method, path) for path, methods in served["paths"].items() for method in methods
    }


def test_every_code_has_one_status() -> None:
    """The table knows them all."""
    assert set(STATUS) == {*AdminCode, *RefusalCode}


def test_every_code_that_a_route_may_give_is_documented_somewhere() -> None:
    """Except those for paths and methods that are nowhere in the document."""
    told = {
        code
        for operation in operations(document(secured=False)["paths"])
        for response in operation["responses"].values()
        for code in re.findall(r"`(\w+)`", response["description"])
    }
    assert {*AdminCode, *RefusalCode} - told == {AdminCode.NOT_FOUND, AdminCode.METHOD_NOT_ALLOWED}


def test_operations_have_names_of_their_own() -> None:
    """Generated clients make methods of them."""
    names = [operation["operationId"] for operation in operations(document(secured=False)["paths"])]
    assert len(names) == len(set(names))
