"""Somebody who looks at the page with a real browser; whatever the browser complains of is kept for the test to see."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import Browser, ConsoleMessage, Locator, Page, expect, sync_playwright

from tests.harness.program import Program
from tests.tools import require_tool

PATIENCE = 15_000
"""Milliseconds to wait for what is about to be so."""

_REFUSED = re.compile(r"Failed to load resource: the server responded with a status of (401|409|412)")
"""What a browser says of a refusal, which is no fault of the page."""


def how_to_start() -> dict[str, Any]:
    """Debian's browser; root has to do without its sandbox."""
    path = require_tool("chromium", package="chromium")
    return {"executable_path": path, "args": ["--no-sandbox"] if os.geteuid() == 0 else []}


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser without a window."""
    start = how_to_start()
    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(**start)
        yield browser
        browser.close()


class Visitor:
    """One browser window on the pages of one program."""

    def __init__(self, browser: Browser, program: Program, **options: Any) -> None:
        """Open it. ``options`` are those of a browser context, such as ``java_script_enabled`` and ``color_scheme``."""
        host, port = program.admin_address
        self.origin = f"http://{host}:{port}"
        self.complaints: list[str] = []
        """Errors of scripts, violations of the policy, and whatever was fetched from elsewhere."""
        self._context = browser.new_context(base_url=self.origin, **options)
        self._context.set_default_timeout(PATIENCE)
        self.page: Page = self._context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self._asked(request.url))

    def _heard(self, message: ConsoleMessage) -> None:
        if message.type in ("error", "warning") and not _REFUSED.match(message.text):
            self.complaints.append(f"{message.text} ({message.location})")

    def _asked(self, url: str) -> None:
        if not url.startswith((self.origin, "data:")):
            self.complaints.append(f"asked for {url}")

    def open(self, path: str = "/") -> None:
        """Go to a page."""
        self.page.goto(path)

    def press(self, name: str) -> Locator:
        """Press a button of the page; the dialog that it opens."""
        self.page.get_by_role("main").get_by_role("button", name=name, exact=True).click()
        dialog = self.page.get_by_role("dialog")
        expect(dialog).to_be_visible()
        return dialog

    def confirm(self, word: str = "default") -> None:
        """Type the word into the open dialog and do it."""
        self.page.locator("#confirm-word").fill(word)
        self.page.locator("#confirm-do").click()
        expect(self.page.get_by_role("dialog")).to_be_hidden()

    def width_needed(self) -> int:
        """Pixels that the page is wide."""
        width: int = self.page.evaluate("document.documentElement.scrollWidth")
        return width

    def close(self) -> None:
        """Close the window."""
        self._context.close()


def give_tokens(program: Program, directory: Path) -> dict[str, str]:
    """Let the config file have a token of each role; the tokens by role. They open nothing elsewhere."""
    tokens, settings = {}, []
    for role in ("viewer", "operator", "admin"):
        file = directory / f"{role}.token"
        tokens[role] = f"only-for-tests-{role}"
        file.write_text(tokens[role])
        file.chmod(0o600)
        settings.append({"name": f"ann-{role}", "role": role, "token_file": str(file)})
    program.config["admin"]["tokens"] = settings
    program.token = tokens["admin"]
    program.write_config()
    return tokens
