"""The page of one service."""

from __future__ import annotations

from dataclasses import dataclass

from proxy.control.admin import views
from proxy.control.admin.context import AdminContext
from proxy.control.page.buttons import Button, service_buttons
from proxy.control.page.cards.card import Card
from proxy.control.page.figures import Column, column
from proxy.control.page.paging import Here, Slice
from proxy.control.page.reading import Past, on_upstream, operation_card, running
from proxy.control.page.upstreams import Row, pool_rows
from proxy.traffic.model import Service, State
from proxy.traffic.spec import Color
from proxy.wording.numbers import counted


@dataclass(frozen=True, slots=True)
class Warm:
    """The time after a shift in which the way back is one click."""

    operation: str
    until: float
    words: str
    judge: str | None


@dataclass(frozen=True, slots=True)
class Pool:
    """The upstreams of one color."""

    color: str
    rows: Slice[Row]


@dataclass(frozen=True, slots=True)
class ServicePage:
    """All that is shown of a service."""

    name: str
    revision: int
    state: str
    sentence: str
    """Who serves what."""
    notices: tuple[tuple[str, str], ...]
    """What an operator must not overlook: how bad it is, and words."""
    columns: tuple[Column, Column]
    cards: tuple[Card, ...]
    warm: Warm | None
    buttons: tuple[Button, ...]
    pools: tuple[Pool, Pool]
    find: str
    here: str
    past: Past
    now: float


def service_page(
    context: AdminContext,
    service: Service,
    here: Here,
    pages: dict[Color, int],
    find: str,
    past: Past,
    *,
    steering: bool,
) -> ServicePage:
    """A service as it is now.

    Args:
        context: what to read from.
        service: which one.
        here: where the page stands.
        pages: which page of each color's upstreams is asked for.
        find: only upstreams with this in their address.
        past: what the store tells of it.
        steering: whether there are buttons.
    """
    state, name = context.controller.state, service.name
    series = context.series(name, 1)
    blue, green = (column(service, c, series.latest(c), views.flow(context, name, c)) for c in Color)
    held = views.held(context, name)
    return ServicePage(
        name=name,
        revision=service.revision,
        state=views.state_of(service),
        sentence=_sentence(service),
        notices=tuple(_notices(service, held, (blue, green))),
        columns=(blue, green),
        cards=tuple(operation_card(context, each, steering=steering) for each in running(context, service)),
        warm=_warm(context, state, service),
        buttons=service_buttons(service, state.operation_of(name)) if steering else (),
        pools=(
            _pool(context, service, Color.BLUE, here, pages, find),
            _pool(context, service, Color.GREEN, here, pages, find),
        ),
        find=find,
        here=here.path,
        past=past,
        now=context.clock.wall(),
    )


def _sentence(service: Service) -> str:
    live = service.live
    share = service.share(live) / 100
    if service.maintenance is not None:
        return f"Users get a page that asks for patience; {live} is live behind it."
    return f"{live.value.capitalize()} is live with {'all' if share == 100 else f'{share:g} % of'} traffic."


def _notices(service: Service, held: int, columns: tuple[Column, Column]) -> list[tuple[str, str]]:
    notices = []
    if service.maintenance is not None:
        notices.append(("waiting", f"Maintenance: users are told “{service.maintenance}”"))
    if service.hold is not None:
        which = "New requests that change something wait" if service.hold.unsafe_only else "New requests wait"
        most = f"each for {service.hold.max_wait:g} s at most"
        notices.append(("waiting", f"Held: {counted(held, 'request')} held now. {which}, {most}."))
    return notices + [("bad" if each.share else "waiting", each.trouble) for each in columns if each.trouble]


def _warm(context: AdminContext, state: State, service: Service) -> Warm | None:
    warmth = state.warm.get(service.name)
    if warmth is None:
        return None
    verdict = context.verdict(warmth.operation)
    new = Color.GREEN if service.split > warmth.before else Color.BLUE
    words = f"{new} is compared with what {new.other} did. "
    words += f"A rollback returns green to {warmth.before / 100:g} % at once."
    return Warm(warmth.operation, warmth.until, words, verdict.words if verdict else None)


def _pool(
    context: AdminContext, service: Service, color: Color, here: Here, pages: dict[Color, int], find: str
) -> Pool:
    running = context.controller.state.rollout_of(service.name)
    turns = running.rollout.turns if running and running.rollout and running.rollout.color is color else ()
    rows = pool_rows(
        service.pool(color),
        lambda address: on_upstream(context, service.name, color, address),
        {turn.address: turn.stage for turn in turns},
        pages[color],
        lambda page: f"{here.with_(**{color.value: page})}#upstreams-{color}",
        find,
    )
    return Pool(color.value, rows)
