"""A config file as plain values, with the place of every key and value in it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from proxy.config.errors import Problem
from proxy.config.expand import expand
from proxy.config.scalars import Scalar, resolve
from proxy.config.tree import MappingNode, Node, Position, ScalarNode, SequenceNode, UnreadableError, parse_tree

KeyPath = tuple[str | int, ...]
"""Keys and list positions from the root to a value."""

MAX_NODES = 200_000
"""Values that a file may have once its aliases are followed, so that no alias of aliases fills the memory."""

_TEXT_TAGS = frozenset({"!", "tag:yaml.org,2002:str"})


@dataclass(frozen=True, slots=True)
class Place:
    """Where a value stands, and the key before it if it has one."""

    value: Position
    key: Position | None = None


@dataclass(frozen=True, slots=True)
class Document:
    """The values of one file, and what was wrong in reading them."""

    file: str
    content: object
    places: Mapping[KeyPath, Place]
    problems: tuple[Problem, ...]
    unreadable: frozenset[KeyPath]
    """Values that already have a problem and stand as ``None`` in the content."""

    def problem(self, path: KeyPath, message: str, *, at_key: bool = False) -> Problem:
        """Something wrong with a value, or with its key. What is not in the file is placed at its nearest parent."""
        near = path
        while near not in self.places and near:
            near = near[:-1]
        place = self.places.get(near, Place(Position()))
        position = place.key if place.key and (at_key or near != path) else place.value
        return Problem(self.file, position.line, position.column, written(path), message)

    def read_well(self, path: KeyPath) -> bool:
        """Whether nothing on the way to this value has had a problem already."""
        return not any(path[:length] in self.unreadable for length in range(len(path) + 1))


def written(path: KeyPath) -> str:
    """A path as users see it: ``services.default.pools.blue.upstreams[0]``."""
    text = ""
    for step in path:
        if isinstance(step, int):
            text += f"[{step}]"
        else:
            key = step if re.fullmatch(r"[\w<-]+", step) else repr(step)
            text += f".{key}" if text else key
    return text


def read_document(text: str, *, file: str, environ: Mapping[str, str]) -> Document:
    """Parse, expand variables, and note every place. Never raises: what cannot be read is among the problems."""
    reader = _Reader(file, environ)
    try:
        root = parse_tree(text)
        if root is None or (isinstance(root, ScalarNode) and root.plain and resolve(root.text) is None):
            raise UnreadableError(Position(), "the file is empty; it must have at least the key 'services'")
        content = reader.value(root, (), None)
    except UnreadableError as error:
        problem = Problem(file, error.position.line, error.position.column, "", error.message)
        return Document(file, None, {}, (problem,), frozenset({()}))
    return Document(file, content, reader.places, tuple(reader.problems), frozenset(reader.unreadable))


@dataclass(slots=True)
class _Reader:
    file: str
    environ: Mapping[str, str]
    places: dict[KeyPath, Place] = field(default_factory=dict)
    problems: list[Problem] = field(default_factory=list)
    unreadable: set[KeyPath] = field(default_factory=set)

    def value(self, node: Node, path: KeyPath, key: Position | None) -> object:
        if len(self.places) >= MAX_NODES:
            raise UnreadableError(node.position, f"more than {MAX_NODES} values, counting what aliases stand for")
        self.places[path] = Place(node.position, key)
        if isinstance(node, ScalarNode):
            return self._scalar(node, path)
        if node.tag not in (None, "tag:yaml.org,2002:seq", "tag:yaml.org,2002:map"):
            self._refuse_tag(node, path)
            return None
        if isinstance(node, SequenceNode):
            return [self.value(item, (*path, index), None) for index, item in enumerate(node.items)]
        return self._mapping(node, path)

    def _mapping(self, node: MappingNode, path: KeyPath) -> dict[str, object]:
        content: dict[str, object] = {}
        first: dict[str, Position] = {}
        for key, value in node.entries:
            if not isinstance(key, ScalarNode):
                self._complain(key.position, path, "a key must be text, not a list or a mapping")
            elif key.text in first:
                line = first[key.text].line
                self._complain(key.position, (*path, key.text), f"this key is already on line {line}; keep one of them")
            elif key.text == "<<":
                self._complain(key.position, (*path, "<<"), "merge keys are not supported; write the keys out")
            else:
                first[key.text] = key.position
                content[key.text] = self.value(value, (*path, key.text), key.position)
        return content

    def _scalar(self, node: ScalarNode, path: KeyPath) -> Scalar:
        if node.tag is not None and node.tag not in _TEXT_TAGS:
            self._refuse_tag(node, path)
            return None
        try:
            text = expand(node.text, self.environ)
        except ValueError as error:
            self.unreadable.add(path)
            self._complain(node.position, path, str(error))
            return None
        # An empty variable is empty text, never null: null would quietly turn things off.
        return resolve(text) if node.plain and node.tag is None and (text or not node.text) else text

    def _refuse_tag(self, node: Node, path: KeyPath) -> None:
        tag = (node.tag or "").replace("tag:yaml.org,2002:", "!!")
        self.unreadable.add(path)
        self._complain(node.position, path, f"the YAML tag {tag} is not supported; remove it, or quote the value")

    def _complain(self, position: Position, path: KeyPath, message: str) -> None:
        self.problems.append(Problem(self.file, position.line, position.column, written(path), message))
