// The load of the last ten minutes: fetched whole once, and then only what is new.

import { call } from "./api.js";

const ALL = 300;
const FEW = 5;
const FIGURES = ["requests", "errors", "p50", "p95", "p99", "in_flight"];

export const COLORS = ["blue", "green"];

/** The looks at one service, oldest first. */
export class Series {
  constructor(service) {
    this.path = `/v1/services/${encodeURIComponent(service)}/load`;
    this.forget();
  }

  forget() {
    this.at = [];
    this.colors = Object.fromEntries(COLORS.map((color) => [color, Object.fromEntries(FIGURES.map((f) => [f, []]))]));
  }

  /** Fetch what is new. Whether anything was. */
  async update() {
    let load = await this.fetch(this.at.length === 0 ? ALL : FEW);
    if (this.at.length > 0 && load.at.length > 0 && load.at[0] > this.at.at(-1)) {
      this.forget(); // between these and those that we have, some may be missing
      load = await this.fetch(ALL);
    }
    const first = load.at.findIndex((at) => this.at.length === 0 || at > this.at.at(-1));
    if (first === -1) {
      return false;
    }
    this.append(load, first);
    return true;
  }

  async fetch(points) {
    return (await call("GET", `${this.path}?points=${points}`)).body;
  }

  append(load, first) {
    const join = (old, fresh) => [...old, ...fresh.slice(first)].slice(-ALL);
    this.at = join(this.at, load.at);
    for (const color of COLORS) {
      for (const figure of FIGURES) {
        this.colors[color][figure] = join(this.colors[color][figure], load.colors[color][figure]);
      }
    }
  }
}
