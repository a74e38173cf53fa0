"""``${VAR}`` and ``${VAR:-default}`` in the values of the config.

Values are expanded one by one after the YAML has been parsed, so nothing in the environment can add keys or lists.
"""

from __future__ import annotations

import re
from collections.abc import Mapping

_REFERENCE = re.compile(
    r"""\$(?:
        (?P<dollar>\$)
      | \{(?P<name>[A-Za-z_][A-Za-z0-9_]*)(?P<fallback>:-(?P<default>[^${}]*))?\}
      | (?P<bad>\{[^}]*\}?)
    )""",
    re.VERBOSE,
)


def expand(text: str, environ: Mapping[str, str]) -> str:
    """The text with its variables put in; ``$$`` stands for one dollar sign.

    As in a shell, the default also stands in for a variable that is set but empty. Raises ``ValueError`` that names
    every variable that is not set and has no default, and every reference that cannot be read.
    """
    complaints: list[str] = []

    def replaced(match: re.Match[str]) -> str:
        if match["dollar"]:
            return "$"
        name = match["name"]
        if name is None:
            complaints.append(
                f"{match[0]!r} cannot be read; write ${{NAME}} or ${{NAME:-default}}, and $$ for a plain $"
            )
            return ""
        value = environ.get(name)
        if match["fallback"]:
            return value or match["default"]
        if value is None:
            complaints.append(f"the environment variable {name} is not set; set it, or write ${{{name}:-default}}")
        return value or ""

    expanded = _REFERENCE.sub(replaced, text)
    if complaints:
        raise ValueError("; ".join(complaints))
    return expanded
