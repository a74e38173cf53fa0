"""How soon the page shows something: first contentful paint as Chromium itself measures it, over loopback.

Each round is a fresh profile (nothing cached), and then the same page once more; and, in a fresh profile again, the
least that there is to show (/livez): so long the browser takes by itself, above all to start a process for the page.
The first round is thrown away.
Run: python benchmarks/bench_page.py [--rounds 15]
"""

from __future__ import annotations

import argparse
import os
import shutil
import statistics
import sys
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from proxy.demo.stage import running_stage

GOAL = 200.0
PAINT = """() => new Promise((resolve) => new PerformanceObserver((list) => {
  for (const entry of list.getEntriesByName("first-contentful-paint")) resolve(entry.startTime);
}).observe({type: "paint", buffered: true}))"""
ANSWER = "() => performance.getEntriesByType('navigation')[0].responseEnd"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    chromium = shutil.which("chromium") or sys.exit("chromium is not installed: make tools")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    first: list[tuple[float, float]] = []
    again: list[tuple[float, float]] = []
    least: list[tuple[float, float]] = []
    with running_stage() as stage, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=arguments)
        for _ in range(rounds + 1):
            context = browser.new_context(base_url=f"http://127.0.0.1:{stage.admin}")
            page = context.new_page()
            first.append(visit(page))
            again.append(visit(page))
            context.close()
            context = browser.new_context(base_url=f"http://127.0.0.1:{stage.admin}")
            least.append(visit(context.new_page(), "/livez"))
            context.close()
        browser.close()
    cores, busy = os.cpu_count(), os.getloadavg()[0]
    print(f"{rounds} rounds, {cores} cores, load average {busy:.1f}; milliseconds from the start of the navigation")
    tell("nothing cached", first[1:])
    tell("once more", again[1:])
    tell("the least page", least[1:])


def visit(page: Page, path: str = "/") -> tuple[float, float]:
    page.goto(path)
    return page.evaluate(ANSWER), page.evaluate(PAINT)


def tell(what: str, measured: list[tuple[float, float]]) -> None:
    answers, paints = zip(*measured, strict=True)
    verdict = "met" if statistics.median(paints) < GOAL else "not met"
    print(
        f"{what}: answered {statistics.median(answers):.0f}, first paint {statistics.median(paints):.0f}"
        f" (least {min(paints):.0f}, most {max(paints):.0f}); goal {GOAL:.0f}: {verdict}"
    )


if __name__ == "__main__":
    main()
