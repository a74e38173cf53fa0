"""What must hold between values of the config.

The checks read the document itself, not the settings made from it, and pass over what is malformed: that way they find
their problems in the same run in which others are reported, and nobody has to correct a file in rounds.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any, TypeVar

from pydantic import BaseModel

from proxy.config.addresses import Address, TcpAddress, parse_address, parse_tcp_address, resolved
from proxy.config.document import Document, KeyPath, written
from proxy.config.errors import Problem
from proxy.config.files import base_folder, program_complaint, program_path, secret_file_complaint
from proxy.config.matching import parse_exact_host, parse_host_pattern, parse_path_prefix
from proxy.config.progressive import PreviewSection
from proxy.config.schema import AdminSection, ConfigFile, ServiceSection
from proxy.config.tracing import missing_extra, read_headers
from proxy.config.wording import described, listing, suggestion

T = TypeVar("T")

EACH = object()
"""In a pattern: every item of a list, or every key of a mapping."""

_COLORS = ("blue", "green")


@dataclass(frozen=True, slots=True)
class Found:
    """A value of the document and the way to it."""

    path: KeyPath
    value: object


def select(root: object, *pattern: object) -> Iterator[Found]:
    """All values at the places that the pattern describes. Where the document has another shape, there are none."""
    found = [Found((), root)]
    for step in pattern:
        found = [child for parent in found for child in _children(parent, step)]
    yield from found


def _children(parent: Found, step: object) -> Iterator[Found]:
    value = parent.value
    items: Iterable[tuple[Any, object]] = ()
    if isinstance(value, dict):
        items = value.items()
    elif isinstance(value, list):
        items = enumerate(value)
    for key, child in items:
        if step is EACH or key == step:
            yield Found((*parent.path, key), child)


def check(document: Document) -> Iterator[Problem]:
    """Every rule between values that the document breaks."""
    for rule in _RULES:
        yield from rule(document)


def _listeners(document: Document) -> Iterator[Problem]:
    base = base_folder(document.file)
    seen: list[tuple[KeyPath, Address]] = []
    for found, address in _own_addresses(document):
        try:
            whole = resolved(address, base)
        except ValueError as error:
            yield document.problem(found.path, str(error))
            continue
        for path, other in seen:
            if _overlap(whole, other):
                yield document.problem(found.path, f"{address} is taken by {written(path)}")
                break
        seen.append((found.path, whole))


def _overlap(one: Address, other: Address) -> bool:
    if isinstance(one, TcpAddress) and isinstance(other, TcpAddress):
        return one.overlaps(other)
    return one == other


def _admin_exposure(document: Document) -> Iterator[Problem]:
    if any(select(document.content, "admin", "tokens", EACH)):
        return
    for found, address in _admin_address(document):
        if isinstance(address, TcpAddress) and not address.is_loopback:
            remedy = "add a token to admin.tokens, or listen on 127.0.0.1 or unix:PATH"
            yield document.problem(found.path, f"{address} can be reached by others and needs no token; {remedy}")


def _tokens(document: Document) -> Iterator[Problem]:
    names = select(document.content, "admin", "tokens", EACH, "name")
    yield from _repeated(document, ((found, found.value) for found in names if isinstance(found.value, str)))


def _token_files(document: Document) -> Iterator[Problem]:
    base = base_folder(document.file)
    for found in select(document.content, "admin", "tokens", EACH, "token_file"):
        if isinstance(found.value, str) and found.value.isprintable() and found.value:
            complaint = secret_file_complaint(base / found.value)
            if complaint:
                yield document.problem(found.path, complaint)
    for found in select(document.content, "gates", "secret_file"):
        if isinstance(found.value, str) and found.value.isprintable() and found.value:
            complaint = secret_file_complaint(base / found.value, holds="secret")
            if complaint:
                yield document.problem(found.path, complaint)


def _programs(document: Document) -> Iterator[Problem]:
    base = base_folder(document.file)
    for found in select(document.content, "hooks", "commands", EACH):
        if isinstance(found.value, str) and found.value.isprintable() and found.value:
            complaint = program_complaint(program_path(base, found.value))
            if complaint:
                yield document.problem(found.path, complaint)


def _trace_export(document: Document) -> Iterator[Problem]:
    for found in select(document.content, "tracing", "otlp"):
        if isinstance(found.value, dict) and (complaint := missing_extra()):
            yield document.problem(found.path, complaint, at_key=True)
    base = base_folder(document.file)
    for found in select(document.content, "tracing", "otlp", "headers_file"):
        if isinstance(found.value, str) and found.value.isprintable() and found.value:
            try:
                read_headers(base / found.value)
            except ValueError as error:
                yield document.problem(found.path, str(error))


def _pools(document: Document) -> Iterator[Problem]:
    for pool in select(document.content, "services", EACH, "pools", EACH, "upstreams"):
        yield from _repeated(document, _upstreams(pool))
    for pools in select(document.content, "services", EACH, "pools"):
        lists = [found.value for color in _COLORS for found in select(pools.value, color, "upstreams")]
        if lists == [[], []]:
            yield document.problem(pools.path, "both colors are empty; at least one needs an upstream", at_key=True)


def _loops(document: Document) -> Iterator[Problem]:
    listeners = [(found, address) for found, address in _own_addresses(document) if isinstance(address, TcpAddress)]
    for pool in select(document.content, "services", EACH, "pools", EACH, "upstreams"):
        for found, upstream in _upstreams(pool):
            for listener, address in listeners:
                if upstream.reaches(address):
                    own = f"{address} ({written(listener.path)})"
                    yield document.problem(
                        found.path, f"{upstream} is our own address {own}; requests would go in circles"
                    )
                    break


def _claims(document: Document) -> Iterator[Problem]:
    owners: dict[tuple[str, str], str] = {}
    for service in select(document.content, "services", EACH):
        hosts = [*_matched(service, "hosts", parse_host_pattern), *_preview_hosts(service)]
        paths = list(_matched(service, "paths", parse_path_prefix))
        yield from _repeated(document, hosts)
        yield from _repeated(document, paths)
        for place, path in paths:
            rivals = [(host, owners[host, path]) for _, host in hosts if (host, path) in owners]
            if rivals:
                claims = listing(dict.fromkeys(f"{host} by service '{owner}'" for host, owner in rivals), last="and")
                yield document.problem(place.path, f"{path} is claimed already for host {claims}")
        owners |= {(host, path): str(service.path[-1]) for _, host in hosts for _, path in paths}


def _preview_hosts(service: Found) -> Iterator[tuple[Found, str]]:
    for preview in _children(service, "preview"):
        for hosts in _children(preview, "hosts"):
            for found in _children(hosts, EACH):
                yield from _parsed(found, parse_exact_host)


def _same_cookie(document: Document) -> Iterator[Problem]:
    for service in select(document.content, "services", EACH):
        sticky = [found.value for found in select(service.value, "sticky", "cookie")]
        for preview in _preview_cookies(service):
            if preview.value in sticky:
                words = f"{preview.value} tells users apart already (sticky.cookie); give this another name"
                yield document.problem(preview.path, words)


def _preview_cookies(service: Found) -> Iterator[Found]:
    for preview in _children(service, "preview"):
        if isinstance(preview.value, dict):
            default = Found((*preview.path, "cookie"), PreviewSection.model_fields["cookie"].default)
            yield next(_children(preview, "cookie"), default)


def _notified(document: Document) -> Iterator[Problem]:
    known = [str(service.path[-1]) for service in select(document.content, "services", EACH)]
    for found in select(document.content, "notifications", EACH, "services", EACH):
        if isinstance(found.value, str) and found.value not in ("*", *known):
            meant = suggestion(found.value, known)
            remedy = f"did you mean '{meant}'?" if meant else "write one of services, or '*' for all"
            yield document.problem(found.path, f"there is no service {described(found.value)}; {remedy}")


def _repeated(document: Document, values: Iterable[tuple[Found, object]]) -> Iterator[Problem]:
    first: dict[object, KeyPath] = {}
    for found, value in values:
        if value in first:
            yield document.problem(found.path, f"{value} is already at {written(first[value])}")
        else:
            first[value] = found.path


def _upstreams(pool: Found) -> Iterator[tuple[Found, TcpAddress]]:
    for entry in _children(pool, EACH):
        yield from _parsed(_address_in(entry), parse_tcp_address)


def _own_addresses(document: Document) -> Iterator[tuple[Found, Address]]:
    listeners = select(document.content, "listen", EACH)
    if not any(select(document.content, "listen")):
        listeners = _defaults(ConfigFile, "listen", ())
    for found in listeners:
        yield from _parsed(_address_in(found), parse_address)
    yield from _admin_address(document)


def _address_in(entry: Found) -> Found:
    """The address of an entry that is one, or a mapping that holds one."""
    return next(_children(entry, "address"), entry)


def _admin_address(document: Document) -> Iterator[tuple[Found, Address]]:
    written_down = list(select(document.content, "admin", "listen"))
    default = Found(("admin", "listen"), AdminSection.model_fields["listen"].default)
    for found in written_down or [default]:
        yield from _parsed(found, parse_address)


def _matched(service: Found, key: str, parse: Callable[[object], str]) -> Iterator[tuple[Found, str]]:
    values = _children(service, key)
    items = [item for found in values for item in _children(found, EACH)]
    if isinstance(service.value, dict) and key not in service.value:
        items = list(_defaults(ServiceSection, key, service.path))
    for item in items:
        yield from _parsed(item, parse)


def _defaults(section: type[BaseModel], key: str, path: KeyPath) -> Iterator[Found]:
    for value in section.model_fields[key].default:
        yield Found((*path, key), value)


def _parsed(found: Found, parse: Callable[[object], T]) -> Iterator[tuple[Found, T]]:
    """The value parsed, or nothing where it is malformed: that has been reported as an error of its shape."""
    try:
        yield found, parse(found.value)
    except ValueError:
        return


_RULES: tuple[Callable[[Document], Iterator[Problem]], ...] = (
    _listeners,
    _admin_exposure,
    _tokens,
    _token_files,
    _programs,
    _notified,
    _trace_export,
    _pools,
    _loops,
    _claims,
    _same_cookie,
)
