from __future__ import annotations

from proxy.config.errors import ConfigError, Problem


def test_a_problem_is_one_line_with_place_and_key_path() -> None:
    """A problem reads FILE:LINE:COL: key.path: message, so that editors can jump to it."""
    problem = Problem("c.yaml", 3, 7, "limits.max_head", "must be at least 1, not 0")
    assert str(problem) == "c.yaml:3:7: limits.max_head: must be at least 1, not 0"


def test_a_problem_of_the_whole_file_has_no_key_path() -> None:
    """Without a path, nothing but the message follows the place."""
    assert str(Problem("c.yaml", 1, 1, "", "the file is empty")) == "c.yaml:1:1: the file is empty"


def test_an_error_is_its_problems_one_per_line() -> None:
    """The text of the error is ready to be printed."""
    problems = (Problem("c", 1, 1, "a", "x"), Problem("c", 2, 1, "b", "y"))
    error = ConfigError(problems)
    assert error.problems == problems
    assert str(error) == "c:1:1: a: x\nc:2:1: b: y"
