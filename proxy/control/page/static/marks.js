// When operations began to move traffic, as lines in the charts.

import { call } from "./api.js";

const MOVING = new Set(["switch", "split", "shift", "rollback"]);
const NEWEST = 20;

/** The newest moves of a service: when each began, and what it was. */
export async function moves(service) {
  const path = `/v1/operations?service=${encodeURIComponent(service)}&limit=${NEWEST}`;
  const { operations } = (await call("GET", path)).body;
  return operations
    .filter((operation) => MOVING.has(operation.kind))
    .map((operation) => ({ at: operation.started_at, label: operation.kind }));
}

/** What draws the moves that `marks` gives, above a chart. */
export function marking(marks, color) {
  return (chart) => {
    const { ctx, bbox } = chart;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = color();
    ctx.lineWidth = devicePixelRatio;
    ctx.textAlign = "left";
    ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.setLineDash([3 * devicePixelRatio, 3 * devicePixelRatio]);
    for (const { at, label } of marks()) {
      const x = Math.round(chart.valToPos(at, "x", true));
      if (x >= bbox.left && x <= bbox.left + bbox.width) {
        ctx.beginPath();
        ctx.moveTo(x, bbox.top);
        ctx.lineTo(x, bbox.top + bbox.height);
        ctx.stroke();
        ctx.fillText(label, x + 3 * devicePixelRatio, bbox.top + 11 * devicePixelRatio);
      }
    }
    ctx.restore();
  };
}
