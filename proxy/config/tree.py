"""YAML text as a tree that remembers where everything stands.

Built from the events of libyaml's parser, not by PyYAML's composer: the composer recurses in C as deep as the text asks
for, forgets explicit tags, and says nothing about keys that are written twice.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import yaml

MAX_BYTES = 4 * 2**20
"""The largest config file: room for tens of thousands of upstreams."""

MAX_DEPTH = 32
"""How deep lists and mappings may nest; the config itself needs seven."""


@dataclass(frozen=True, slots=True)
class Position:
    """A place in the file; both count from 1."""

    line: int = 1
    column: int = 1


@dataclass(frozen=True, slots=True)
class ScalarNode:
    """A single value as it is written; ``plain`` means without quotes, so that it may be a number or a boolean."""

    position: Position
    tag: str | None
    text: str
    plain: bool


@dataclass(frozen=True, slots=True)
class SequenceNode:
    """A list."""

    position: Position
    tag: str | None
    items: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class MappingNode:
    """Keys and values in the order written. Nothing is known yet about the keys: any node, any number of times."""

    position: Position
    tag: str | None
    entries: tuple[tuple[Node, Node], ...]


Node = ScalarNode | SequenceNode | MappingNode


class UnreadableError(Exception):
    """The text is no YAML that we take; nothing after this place was looked at."""

    def __init__(self, position: Position, message: str) -> None:
        super().__init__(position, message)
        self.position = position
        self.message = message


def parse_tree(text: str) -> Node | None:
    """The tree of the only document in the text, or ``None`` where there is none. Raises :class:`UnreadableError`."""
    try:
        if len(text.encode()) > MAX_BYTES:
            raise UnreadableError(Position(), f"the file is larger than {MAX_BYTES // 2**20} MiB")
        return _Builder(text).document()
    except UnicodeEncodeError as error:
        raise UnreadableError(_after(text[: error.start]), "the text contains half of a surrogate pair") from error
    except yaml.reader.ReaderError as error:
        before = text.encode()[: error.position].decode(errors="ignore")
        message = f"the character U+{error.character:04X} is not allowed in YAML"
        raise UnreadableError(_after(before), message) from error
    except yaml.MarkedYAMLError as error:
        raise _syntax_error(text, error) from error


class _Builder:
    """Recursive descent over the events. An alias gets the very node of its anchor, which must be complete by then."""

    def __init__(self, text: str) -> None:
        self._events: Iterator[yaml.Event] = iter(yaml.parse(text, Loader=yaml.CSafeLoader))
        self._anchors: dict[str, Node] = {}

    def document(self) -> Node | None:
        next(self._events)
        if isinstance(next(self._events), yaml.StreamEndEvent):
            return None
        root = self._node(next(self._events), depth=0)
        next(self._events)
        after = next(self._events)
        if not isinstance(after, yaml.StreamEndEvent):
            raise UnreadableError(_position(after), "a second YAML document starts here; the config is one document")
        return root

    def _node(self, event: yaml.Event, *, depth: int) -> Node:
        assert isinstance(event, yaml.NodeEvent)
        if depth > MAX_DEPTH:
            raise UnreadableError(_position(event), f"nested deeper than {MAX_DEPTH} levels")
        if isinstance(event, yaml.AliasEvent):
            return self._aliased(event)
        node = self._fresh_node(event, depth=depth)
        if event.anchor:
            self._anchors[event.anchor] = node
        return node

    def _fresh_node(self, event: yaml.NodeEvent, *, depth: int) -> Node:
        position = _position(event)
        if isinstance(event, yaml.SequenceStartEvent):
            return SequenceNode(position, event.tag, tuple(self._children(depth=depth)))
        if isinstance(event, yaml.MappingStartEvent):
            children = self._children(depth=depth)
            return MappingNode(position, event.tag, tuple(zip(children, children, strict=True)))
        assert isinstance(event, yaml.ScalarEvent)
        return ScalarNode(position, event.tag, event.value, plain=event.implicit[0])

    def _children(self, *, depth: int) -> Iterator[Node]:
        for event in self._events:
            if isinstance(event, yaml.CollectionEndEvent):
                return
            yield self._node(event, depth=depth + 1)

    def _aliased(self, event: yaml.AliasEvent) -> Node:
        node = self._anchors.get(event.anchor or "")
        if node is None:
            message = f"the alias *{event.anchor} has no anchor &{event.anchor} before it, or stands inside of it"
            raise UnreadableError(_position(event), message)
        return node


def _position(event: yaml.Event) -> Position:
    mark = event.start_mark
    return Position(mark.line + 1, mark.column + 1) if mark else Position()


def _after(text: str) -> Position:
    """The place that follows the text."""
    return Position(text.count("\n") + 1, len(text) - (text.rfind("\n") + 1) + 1)


def _syntax_error(text: str, error: yaml.MarkedYAMLError) -> UnreadableError:
    mark = error.problem_mark
    position = Position(mark.line + 1, mark.column + 1) if mark else Position()
    lines = text.split("\n")
    line = lines[position.line - 1] if position.line <= len(lines) else ""
    if line[position.column - 1 : position.column] == "\t":
        return UnreadableError(position, "not valid YAML: indent with spaces, not with tabs")
    context = f" ({error.context})" if error.context else ""
    return UnreadableError(position, f"not valid YAML: {error.problem}{context}")
