"""How an operation is shown: what it did, how it ended, and its receipt."""

from __future__ import annotations

from typing import Any

from rich.text import Text

from proxy.cli.terminal import Page, add_row, make_table, styled
from proxy.wording.receipts import receipt_lines, state_words, what_words
from proxy.wording.rollouts import failure_lines


def show_operation(page: Page, operation: dict[str, Any]) -> None:
    """An operation, after it has ended or as far as it is."""
    page.show(headline(operation))
    if operation["note"]:
        page.show(operation["note"])
    if operation.get("rollout"):
        for line in failure_lines(operation["rollout"]):
            page.show(line)
    if lines := list(receipt_lines(operation)):
        table = make_table(page, ">count", "receipt")
        for value, words in lines:
            add_row(table, f"{value:.1f}" if isinstance(value, float) else value, words)
        page.show(table)


def headline(operation: dict[str, Any]) -> Text:
    """``switch op-1 succeeded: green 0 % -> 100 %``."""
    state = Text(state_words(operation), style=styled(operation["state"]).style)
    text = Text.assemble(f"{operation['kind']} {operation['id']} ", state, f": {what_words(operation)}")
    spread = (operation["receipt"] or {}).get("spread_ms")
    if spread is not None and not operation["leaving"] and operation["kind"] != "roll":
        text.append(f", served by every worker after {spread:.1f} ms")
    return text
