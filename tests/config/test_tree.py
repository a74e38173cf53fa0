from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.config.tree import (
    MAX_BYTES,
    MAX_DEPTH,
    MappingNode,
    Position,
    ScalarNode,
    SequenceNode,
    UnreadableError,
    parse_tree,
)


def test_every_node_knows_its_place() -> None:
    """Lines and columns count from 1, in characters, for block and flow style."""
    root = parse_tree("é: [1,\n  'x']\n")
    assert isinstance(root, MappingNode)
    key, value = root.entries[0]
    assert key == ScalarNode(Position(1, 1), None, "é", plain=True)
    assert isinstance(value, SequenceNode)
    assert value.position == Position(1, 4)
    assert value.items[1] == ScalarNode(Position(2, 3), None, "x", plain=False)


@pytest.mark.parametrize("text", ["", "\n", "# only a comment\n"])
def test_no_document_is_none(text: str) -> None:
    """A text without any value has no tree."""
    assert parse_tree(text) is None


def test_keys_may_still_repeat() -> None:
    """The tree holds what is written; whether keys may repeat is decided where their paths are known."""
    root = parse_tree("a: 1\na: 2\n")
    assert isinstance(root, MappingNode)
    assert len(root.entries) == 2


def test_an_alias_is_the_node_of_its_anchor() -> None:
    """Following an alias copies nothing."""
    root = parse_tree("- &x [1]\n- *x\n")
    assert isinstance(root, SequenceNode)
    assert root.items[0] is root.items[1]


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("a: b: c\n", 1, 5, "not valid YAML: mapping values are not allowed in this context"),
        ('a: "x\n', 2, 1, "not valid YAML: found unexpected end of stream (while scanning a quoted scalar)"),
        ("a: [1,\n", 2, 1, "not valid YAML: did not find expected node content (while parsing a flow node)"),
        ("a:\n\t- 1\n", 2, 1, "not valid YAML: indent with spaces, not with tabs"),
        ("a: 1\nb: é\x07\n", 2, 5, "the character U+0007 is not allowed in YAML"),
        ("a: 1\nb: \ud800\n", 2, 4, "the text contains half of a surrogate pair"),
        ("a: 1\n---\nb: 1\n", 2, 1, "a second YAML document starts here; the config is one document"),
        ("a: *x\n", 1, 4, "the alias *x has no anchor &x before it, or stands inside of it"),
        ("a: &x [*x]\n", 1, 8, "the alias *x has no anchor &x before it, or stands inside of it"),
        ("[" * 100_000, 1, MAX_DEPTH + 2, f"nested deeper than {MAX_DEPTH} levels"),
        ("- " * 100_000, 1, 2 * MAX_DEPTH + 3, f"nested deeper than {MAX_DEPTH} levels"),
        ("{a: " * 100_000, 1, 4 * MAX_DEPTH + 2, f"nested deeper than {MAX_DEPTH} levels"),
        ("#" * (MAX_BYTES + 1), 1, 1, "the file is larger than 4 MiB"),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_what_cannot_be_read(text: str, line: int, column: int, message: str) -> None:
    """Broken, hostile or endless YAML is one message with its place, and is given up early."""
    with pytest.raises(UnreadableError) as caught:
        parse_tree(text)
    assert (caught.value.position, caught.value.message) == (Position(line, column), message)


@given(st.text() | st.text(alphabet="[]{}:,-?&*!|>'\"%@ \n\tab#"))
def test_any_text_is_a_tree_or_unreadable(text: str) -> None:
    """Garbage gives one kind of error, and never anything else."""
    with contextlib.suppress(UnreadableError):
        parse_tree(text)
