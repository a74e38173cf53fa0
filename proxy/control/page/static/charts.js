// The charts: requests, errors and latency of each color over the last ten minutes.

import { kinds } from "./figures.js";
import { marking, moves } from "./marks.js";
import { onLook } from "./pulse.js";
import { Series } from "./series.js";
import { clock } from "./times.js";

const LIBRARY = new URL("./uPlot.min.js", import.meta.url);
const STYLE = new URL("./uPlot.min.css", import.meta.url);
const HEIGHT = 180;
const LEAST_SPAN = 120; // seconds that are shown at least, so that the first few looks do not fill a chart
const LOOK_EVERY = 1900; // what is charted changes every two seconds, however often the page looks
const MOVES_EVERY = 10_000;
const USUAL = 0.95; // so many of the values are no higher than what is usual

/** Fill every place for a chart, and keep it up to date. */
export async function draw() {
  const places = [...document.querySelectorAll("[data-chart]")];
  if (places.length === 0) {
    return;
  }
  await load();
  places.forEach((place) => place.closest("[hidden]")?.removeAttribute("hidden")); // without this, nothing is to be seen there
  const services = Map.groupBy(places, (place) => place.dataset.service);
  for (const [service, elements] of services) {
    onLook(new Board(service, elements).look);
  }
}

// Not a module but a script, for that is the small form in which the library comes. Its style comes before that of the
// page, which adds to it. Neither is waited for by what is shown first.
function load() {
  const style = Object.assign(document.createElement("link"), { rel: "stylesheet", href: STYLE });
  document.querySelector("link[rel=stylesheet]").before(style);
  const script = Object.assign(document.createElement("script"), { src: LIBRARY });
  document.head.append(script);
  return Promise.all([style, script].map((element) => new Promise((resolve, reject) => {
    element.addEventListener("load", resolve);
    element.addEventListener("error", reject);
  })));
}

/** The charts of one service. */
class Board {
  constructor(service, places) {
    this.service = service;
    this.series = new Series(service);
    this.marks = [];
    this.lookedAt = this.movesAt = -Infinity;
    this.charts = places.map((place) => new Chart(place, this));
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => {
      this.charts.forEach((chart) => chart.make());
    });
    this.look = this.look.bind(this);
  }

  async look() {
    const now = performance.now();
    if (now - this.lookedAt < LOOK_EVERY) {
      return;
    }
    this.lookedAt = now;
    if (now - this.movesAt > MOVES_EVERY) {
      this.movesAt = now;
      this.marks = await moves(this.service);
    }
    if (await this.series.update()) {
      this.charts.forEach((chart) => chart.show());
    }
  }
}

/** One chart in its place. */
class Chart {
  constructor(place, board) {
    this.place = place;
    this.board = board;
    this.kind = kinds[place.dataset.chart];
    this.plot = null;
    new ResizeObserver(() => this.plot?.setSize(this.size())).observe(place);
  }

  size() {
    return { width: Math.max(200, Math.floor(this.place.clientWidth)), height: HEIGHT };
  }

  /** Make it anew: its colors are asked for only then. */
  make() {
    this.plot?.destroy();
    const ink = css("--dim");
    const { unit, tick, lines } = this.kind;
    const options = {
      ...this.size(),
      cursor: { y: false, sync: { key: this.board.service } },
      legend: { markers: { width: 3, dash: (_, line) => (lines[line - 1]?.dash ? "dashed" : "solid") } },
      scales: {
        x: { range: (_, first, last) => [Math.min(first, last - LEAST_SPAN), last] },
        y: { range: (plot, low, high) => [0, this.top(plot, high)] },
      },
      axes: [axis(ink, 80, clock, 32), axis(ink, 30, tick, 64)],
      series: [{ label: "at", value: (_, at) => (at === null || at === undefined ? "–" : clock(at)) }, ...lines.map((line) => drawn(line, unit))],
      hooks: { draw: [marking(() => this.board.marks, () => ink)], setCursor: [(plot) => this.showNewest(plot)] },
    };
    this.place.replaceChildren();
    this.plot = new uPlot(options, this.data(), this.place);
    this.plot.root.querySelector(".u-wrap").setAttribute("role", "img");
    this.describe();
  }

  /** What the scale reaches up to: one look far above all others leaves the chart, so that the others can be read. */
  top(plot, high) {
    const values = plot.data.slice(1).flat().filter((value) => value !== null).sort((one, other) => one - other);
    const usual = values[Math.floor(values.length * USUAL)] ?? 0;
    const shown = this.kind.most === Infinity ? high : Math.min(high, this.kind.most * usual);
    return Math.max(shown * 1.1, this.kind.least);
  }

  show() {
    if (this.plot === null) {
      this.make();
      return;
    }
    this.plot.setData(this.data());
    this.showNewest(this.plot);
    this.describe();
  }

  data() {
    const { at, colors } = this.board.series;
    return [at, ...this.kind.lines.map(({ color, figure }) => colors[color][figure])];
  }

  /** The legend has the newest values while nobody points at others. */
  showNewest(plot) {
    if ((plot.cursor.left ?? -1) < 0) {
      plot.setLegend({ idx: plot.data[0].length - 1 }, false);
    }
  }

  /** The same in words, for those who do not see the lines. */
  describe() {
    const newest = this.kind.lines.map(({ name, color, figure }) => {
      const value = this.board.series.colors[color][figure].at(-1);
      return `${name} ${value === null || value === undefined ? "unknown" : this.kind.unit(value)}`;
    });
    const label = `${this.kind.title}, chart of the last ten minutes. Now: ${newest.join(", ")}.`;
    this.plot.root.querySelector(".u-wrap").setAttribute("aria-label", label);
  }
}

function drawn({ name, color, dash, width }, unit) {
  return {
    label: name,
    stroke: css(`--${color}`),
    width: width ?? 2,
    dash,
    points: { show: false },
    value: (_, value) => (value === null || value === undefined ? "–" : unit(value)),
  };
}

function axis(ink, space, written, size) {
  const grid = { stroke: css("--line"), width: 1 };
  const values = (_, ticks) => ticks.map(written);
  return { stroke: ink, grid, ticks: grid, font: "12px system-ui, sans-serif", size, space, values };
}

function css(name) {
  return getComputedStyle(document.documentElement).getPropertyValue(name).trim();
}
