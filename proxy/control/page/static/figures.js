// What each kind of chart shows, and how its numbers are written: with as many digits as the table beside the charts.

import { COLORS } from "./series.js";

const both = (figure) => COLORS.map((color) => ({ name: color, color, figure }));

// A color is a hue, a share a kind of line: nobody has to tell two hues apart to know what is p99.
const PERCENTILES = [
  { figure: "p50", dash: undefined, width: 1 },
  { figure: "p95", dash: [6, 3], width: 1.5 },
  { figure: "p99", dash: undefined, width: 2.5 },
];

/** By the name in `data-chart`: title, lines, how a value and a tick are written, the least height of the scale, and
    how many times higher than usual something may be to be shown whole. A WebSocket that ends counts with all its time. */
export const kinds = {
  requests: { title: "Requests per second", lines: both("requests"), unit: perSecond, tick: plain, least: 1, most: Infinity },
  errors: { title: "Errors per second", lines: both("errors"), unit: perSecond, tick: plain, least: 1, most: Infinity },
  latency: {
    title: "Response time",
    lines: PERCENTILES.flatMap((line) => COLORS.map((color) => ({ ...line, color, name: `${color} ${line.figure}` }))),
    unit: duration,
    tick: (seconds) => (seconds < 1 ? `${plain(seconds * 1000)} ms` : `${plain(seconds)} s`),
    least: 0.001,
    most: 10,
  },
};

function perSecond(value) {
  if (value > 0 && value < 0.05) {
    return "<0.1";
  }
  return value > 0 && value < 9.95 ? digits(value, 1) : digits(value, 0);
}

function duration(seconds) {
  const [value, unit] = seconds < 0.9995 ? [seconds * 1000, "ms"] : [seconds, "s"];
  return `${digits(value, value < 9.95 ? 1 : 0)} ${unit}`;
}

function digits(value, count) {
  const exactly = { minimumFractionDigits: count, maximumFractionDigits: count, roundingMode: "halfEven" };
  return value.toLocaleString("en", exactly);
}

function plain(value) {
  return value.toLocaleString("en", { maximumFractionDigits: 3 });
}
