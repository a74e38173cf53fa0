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

/** What draws the moves that `marks` gives, newest first, above a chart. A name is left out where it would cover another. */
export function marking(marks, color) {
  return (chart) => {
    const { ctx, bbox } = chart;
    const gap = 3 * devicePixelRatio;
    const end = bbox.left + bbox.width;
    let room = end;
    ctx.save();
    ctx.strokeStyle = ctx.fillStyle = color();
    ctx.lineWidth = devicePixelRatio;
    ctx.textAlign = "left";
    ctx.font = `${11 * devicePixelRatio}px system-ui, sans-serif`;
    ctx.setLineDash([gap, gap]);
    for (const { at, label } of marks()) {
      const x = Math.round(chart.valToPos(at, "x", true));
      if (x < bbox.left || x > end) {
        continue;
      }
      ctx.beginPath();
      ctx.moveTo(x, bbox.top);
      ctx.lineTo(x, bbox.top + bbox.height);
      ctx.stroke();
      const width = ctx.measureText(label).width + gap;
      const fits = x + width <= room;
      if (fits || room === end) {
        const start = fits ? x : x - width - gap; // the newest one may have no room but on its left
        ctx.fillText(label, start + gap, bbox.top + 11 * devicePixelRatio);
        room = Math.min(x, start);
      }
    }
    ctx.restore();
  };
}
