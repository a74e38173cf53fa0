from __future__ import annotations

import pytest

from proxy.config.document import Document, KeyPath, read_document, written


def read(text: str, **environ: str) -> Document:
    """The document of a text, with these variables in the environment."""
    return read_document(text, file="c", environ=environ)


def lines(document: Document) -> list[str]:
    """Its problems as users see them."""
    return [str(problem) for problem in document.problems]


def test_values_and_places() -> None:
    """The content is plain values; every path has the place of its key and its value."""
    document = read("a:\n  - 1\n  - b: x\n")
    assert document.content == {"a": [1, {"b": "x"}]}
    assert str(document.problem(("a", 1, "b"), "m")) == "c:3:8: a[1].b: m"
    assert str(document.problem(("a", 1, "b"), "m", at_key=True)) == "c:3:5: a[1].b: m"


def test_what_is_missing_is_placed_at_its_parent() -> None:
    """A problem with something that is not there points at the key of the nearest thing that is."""
    document = read("a:\n  b:\n    c: 1\n")
    assert str(document.problem(("a", "b", "x", "y"), "m")) == "c:2:3: a.b.x.y: m"
    assert str(document.problem(("x",), "m")) == "c:1:1: x: m"


@pytest.mark.parametrize(
    ("path", "text"),
    [
        ((), ""),
        (("a", "b", 0, "c"), "a.b[0].c"),
        (("my-service", "x_y"), "my-service.x_y"),
        (("a", "b.c"), "a.'b.c'"),
        (("a\nb",), r"'a\nb'"),
    ],
)
def test_paths_are_written_on_one_line(path: KeyPath, text: str) -> None:
    """Keys that could be misread are quoted."""
    assert written(path) == text


@pytest.mark.parametrize(
    ("text", "problems"),
    [
        ("", ["c:1:1: the file is empty; it must have at least the key 'services'"]),
        ("---\n...\n", ["c:1:1: the file is empty; it must have at least the key 'services'"]),
        ("~\n", ["c:1:1: the file is empty; it must have at least the key 'services'"]),
        ("a: {x: 1, y: 2, x: 3}\n", ["c:1:17: a.x: this key is already on line 1; keep one of them"]),
        ("a: 1\n'a': 2\na: 3\n", [f"c:{n}:1: a: this key is already on line 1; keep one of them" for n in (2, 3)]),
        ("? [a]\n: 1\n", ["c:1:3: a key must be text, not a list or a mapping"]),
        ("a: {<<: {b: 1}}\n", ["c:1:5: a.<<: merge keys are not supported; write the keys out"]),
        ("a: !!int '1'\n", ["c:1:4: a: the YAML tag !!int is not supported; remove it, or quote the value"]),
        ("a: !!set {}\n", ["c:1:4: a: the YAML tag !!set is not supported; remove it, or quote the value"]),
        ("a: !!python/x\n", ["c:1:4: a: the YAML tag !!python/x is not supported; remove it, or quote the value"]),
        ("- !x [1]\n", ["c:1:3: [0]: the YAML tag !x is not supported; remove it, or quote the value"]),
        ("a: ${X}\n", ["c:1:4: a: the environment variable X is not set; set it, or write ${X:-default}"]),
    ],
)  # fmt: skip
def test_problems_of_reading(text: str, problems: list[str]) -> None:
    """What YAML itself lets pass is refused here, at its place."""
    assert lines(read(text)) == problems


def test_reading_goes_on_after_a_problem() -> None:
    """All problems are found in one reading, and what stands beside them is read."""
    document = read("a: ${X}\nb: !x 1\nc: 1\nc: 2\nd: 4\n")
    assert [problem.line for problem in document.problems] == [1, 2, 4]
    assert document.content == {"a": None, "b": None, "c": 1, "d": 4}
    assert not document.read_well(("a", "below"))
    assert document.read_well(("c",))


def test_a_str_tag_is_a_way_to_quote() -> None:
    """The one tag that is taken says what quotes say."""
    assert read("a: !!str 12\nb: ! 12\n").content == {"a": "12", "b": "12"}


def test_keys_are_text_whatever_they_look_like() -> None:
    """A key is never a number, a boolean or null."""
    assert read("on: 1\n1: 2\nnull: 3\n").content == {"on": 1, "1": 2, "null": 3}


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("a: ${N}", 4),
        ("a: '${N}'", "4"),
        ("a: ${NONE:-true}", True),
        ("a: ${NONE:-}", ""),
        ("a: ${EMPTY}", ""),
        ("a: ${NONE:-null}", None),
        ("a: ${SLY}", "{b: 1}\n- c: *x"),
        ("a: |\n  ${N}\n", "4\n"),
    ],
)
def test_variables_are_values_and_never_structure(text: str, value: object) -> None:
    """An unquoted variable may be a number, but brings no keys and no lists; an empty one is no null."""
    assert read(text, N="4", EMPTY="", SLY="{b: 1}\n- c: *x").content == {"a": value}


def test_keys_are_not_expanded() -> None:
    """Keys are structure."""
    assert read("${N}: 1", N="x").content == {"${N}": 1}


def test_an_alias_is_placed_where_its_anchor_stands() -> None:
    """An error in a value that is used twice points at the one place to correct."""
    document = read("a: &x {k: 1}\nb: *x\n")
    assert document.content == {"a": {"k": 1}, "b": {"k": 1}}
    assert str(document.problem(("b", "k"), "m")) == "c:1:11: b.k: m"


def test_aliases_of_aliases_do_not_fill_the_memory() -> None:
    """Ten levels of ten aliases stand for ten thousand million values; the reading stops long before."""
    text = "l0: &l0 [x, x, x, x, x, x, x, x, x, x]\n"
    for level in range(1, 10):
        text += f"l{level}: &l{level} [{', '.join([f'*l{level - 1}'] * 10)}]\n"
    document = read(text)
    assert [problem.message for problem in document.problems] == [
        "more than 200000 values, counting what aliases stand for"
    ]
