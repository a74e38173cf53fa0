// What each kind of chart shows, and how its numbers are written.

import { COLORS } from "./series.js";

const both = (figure) => COLORS.map((color) => ({ name: color, color, figure }));

// A color is a hue, a share a kind of line: nobody has to tell two hues apart to know what is p99.
const PERCENTILES = [
  { figure: "p50", dash: undefined, width: 1 },
  { figure: "p95", dash: [6, 3], width: 1.5 },
  { figure: "p99", dash: undefined, width: 2.5 },
];

/** By the name in `data-chart`: title, lines, how a value is written, and the least height of the scale. */
export const kinds = {
  requests: { title: "Requests per second", lines: both("requests"), unit: perSecond, least: 1 },
  errors: { title: "Errors per second", lines: both("errors"), unit: perSecond, least: 1 },
  latency: {
    title: "Response time",
    lines: COLORS.flatMap((color) => PERCENTILES.map((line) => ({ ...line, color, name: `${color} ${line.figure}` }))),
    unit: duration,
    least: 0.001,
  },
};

function perSecond(value) {
  return value >= 100 ? Math.round(value).toLocaleString() : String(Math.round(value * 10) / 10);
}

function duration(seconds) {
  if (seconds >= 1) {
    return `${Math.round(seconds * 100) / 100} s`;
  }
  return `${Math.round(seconds * 10_000) / 10} ms`;
}
