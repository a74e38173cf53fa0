"""The route of annotations: operations in the form in which Grafana marks them in its graphs."""

from __future__ import annotations

from html import escape
from http import HTTPStatus

from aiohttp import web
from pydantic import RootModel

from proxy.control.admin.answering import AnswerModel
from proxy.control.admin.context import AdminContext
from proxy.control.admin.problems import AdminCode
from proxy.control.admin.requests import AnnotationsQuery, NoBody
from proxy.control.admin.route import AnyRoute, Call, Route, answered
from proxy.control.notifications import wording
from proxy.traffic.model import Operation


class Annotation(AnswerModel):
    """A mark in a graph. Grafana shows title and text as HTML, so what people wrote is escaped."""

    time: int
    """When the operation began, in milliseconds since 1970."""
    timeEnd: int | None  # noqa: N815 - Grafana's name
    """When it ended; null while it runs."""
    title: str
    text: str
    """Who, why, how it ended, what the judge said, and the headline of the receipt."""
    tags: str
    """Service, kind, state and color with commas between, as Grafana's data sources take them."""
    id: str
    """Of the operation."""


class AnnotationsAnswer(RootModel[list[Annotation]]):
    """Marks, those that began last first."""


async def list_annotations(call: Call[AnnotationsQuery, NoBody]) -> web.Response:
    """The operations of a range of time."""
    query, context = call.query, call.context
    found = await context.controller.operations_between(
        query.from_ / 1000, query.to / 1000, service=query.service or None, limit=query.limit
    )
    return answered(AnnotationsAnswer([_annotation(context, operation) for operation in found]))


def _annotation(context: AdminContext, operation: Operation) -> Annotation:
    color = wording.color_of(operation)
    tags = (operation.service, operation.kind.value, operation.state.value, color.value)
    return Annotation(
        time=round(operation.started_at * 1000),
        timeEnd=None if operation.ended_at is None else round(operation.ended_at * 1000),
        title=escape(f"{operation.service}: {wording.title(operation)}", quote=False),
        text=escape(_text(context, operation), quote=False),
        tags=",".join(tags),
        id=operation.id,
    )


def _text(context: AdminContext, operation: Operation) -> str:
    verdict = context.verdict(operation.id)
    parts = (
        wording.standing(operation),
        operation.reason,
        wording.why(operation, verdict.words if verdict else None),
        wording.counted(operation) if operation.ended_at is not None else None,
    )
    return wording.sentences(parts)


ROUTES: tuple[AnyRoute, ...] = (
    Route(
        "GET",
        "/v1/annotations",
        "Operations of a range of time, as Grafana marks them in graphs",
        list_annotations,
        AnnotationsQuery,
        NoBody,
        answers={HTTPStatus.OK: AnnotationsAnswer},
        problems=(AdminCode.STORE_UNAVAILABLE,),
    ),
)
