"""The results as a picture: a panel for each scenario, a bar for each proxy."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
from matplotlib.axes import Axes

from benchmarks.peers.figures import Derive, absolute, added, proxies_of
from benchmarks.peers.trials import Sample

COLUMNS = 4
COLOURS = {"bluegreen": "#1668b8", "bluegreen-pure": "#7fb2e5", "nginx": "#3c8d50", "haproxy": "#d08a1d"}
ANOTHER = "#a8a8a8"


@dataclass(frozen=True, slots=True)
class Panel:
    """A scenario, and what of it is shown."""

    title: str
    scenario: str
    derive: Derive
    form: str = ".0f"


def _cpu(title: str, scenario: str) -> Panel:
    return Panel(f"{title}\nCPU µs", scenario, absolute(scenario, "us"))


PANELS = (
    _cpu("small, keep-alive", "small"),
    _cpu("small, never the same head", "varied"),
    _cpu("connection per request", "close"),
    _cpu("10 KiB", "10k"),
    _cpu("1 MiB", "1m"),
    _cpu("10 KiB POST", "post10k"),
    _cpu("1 MiB POST", "post1m"),
    _cpu("64 KiB in chunks", "chunked64k"),
    _cpu("WebSocket echo, a message", "websocket"),
    Panel("latency at a fixed rate\np99, µs", "latency", absolute("latency", "p99")),
    Panel("idle connection\nKiB", "idle", absolute("idle", "kib"), ".1f"),
    Panel("access log, added\nCPU µs", "log-on", added("log-on", "log-off", "us"), ".1f"),
)


def draw(samples: Sequence[Sample], caption: str, file: Path) -> None:
    """Medians as bars, with lines from the least to the most of all rounds."""
    mpl.rcParams["svg.hashsalt"] = "bluegreen"  # the same figures give the same file
    mpl.rcParams["svg.fonttype"] = "none"  # text stays text
    panels = [panel for panel in PANELS if proxies_of(samples, panel.scenario)]
    if not panels:
        return
    rows = -(-len(panels) // COLUMNS)
    figure, grid = plt.subplots(rows, COLUMNS, figsize=(4 * COLUMNS, 2.7 * rows + 0.6), squeeze=False)
    for axes, panel in zip(grid.flat, panels, strict=False):
        _panel(axes, panel, samples)
    for axes in grid.flat[len(panels) :]:
        axes.set_axis_off()
    figure.tight_layout(rect=(0, 0.25 / figure.get_figheight(), 1, 1))
    figure.text(0.01, 0.003, caption, fontsize=8, color="#606060")
    figure.savefig(file, metadata={"Date": None})
    plt.close(figure)


def _panel(axes: Axes, panel: Panel, samples: Sequence[Sample]) -> None:
    names = proxies_of(samples, panel.scenario)[::-1]
    values = [panel.derive(samples, name) or [0.0] for name in names]
    medians = [statistics.median(each) for each in values]
    spans = [[m - min(v) for m, v in zip(medians, values, strict=True)]]
    spans += [[max(v) - m for m, v in zip(medians, values, strict=True)]]
    colours = [COLOURS.get(name, ANOTHER) for name in names]
    bars = axes.barh(names, medians, xerr=spans, color=colours, error_kw={"lw": 1, "ecolor": "#404040"})
    labels = [f" {median:{panel.form}}" for median in medians]
    axes.bar_label(bars, labels, padding=3, fontsize=9)
    axes.set_title(panel.title, fontsize=10)
    axes.set_xlim(0, 1.3 * max(max(each) for each in values) or 1)
    axes.locator_params(axis="x", nbins=5)
    axes.tick_params(labelsize=9)
    axes.spines[["top", "right"]].set_visible(False)
