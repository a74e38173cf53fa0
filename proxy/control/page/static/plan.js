// Plans and outcomes in words.

/** Refusals that the API itself lets be overruled with `force`. */
export const FORCIBLE = new Set(["color_not_healthy", "last_upstream"]);

/** What a dry run says, line by line; the warnings marked. */
export function planned({ changes, forecast }) {
  return [
    ...changes.map((change) => line(changed(change))),
    ...(changes.length === 0 ? [line("Nothing would change.")] : []),
    ...foreseen(forecast),
    ...forecast.warnings.map(warning),
  ];
}

/** Where a dry run leads, wherever it begins. */
export function goalOf({ changes }) {
  return JSON.stringify(changes.map(({ path, after }) => [path, after]));
}

/** Green's share after a dry run, or null if it stays what it is. */
export function greenAfter({ changes }) {
  return changes.find(({ path }) => path === "split.green")?.after ?? null;
}

function* foreseen({ moves, users, per_second, capacity, drains, held_per_second }) {
  if (moves > 0) {
    const rate = per_second === null ? "" : `, about ${Math.round(per_second)} requests a second now`;
    yield line(`Moves ${moves} % of the ${users ? "users" : "requests"}${rate}`);
  }
  if (capacity !== null) {
    yield line(`${capacity.color} has ${capacity.healthy} of ${capacity.total} upstreams healthy`);
  }
  for (const { color, requests, tunnels, expected } of drains) {
    const within = expected === null ? "" : `, nearly all requests within ${expected} s`;
    yield line(`${color} would drain: ${requests} ${requests === 1 ? "request" : "requests"} and ${tunnels} long-lived now${within}`);
  }
  if (held_per_second) {
    yield line(`About ${Math.round(held_per_second)} requests a second would wait`);
  }
}

const line = (text) => ({ text, warning: false });
const warning = (text) => ({ text, warning: true });

function changed({ path, before, after }) {
  switch (path) {
    case "split.green":
      return `Green ${before} % → ${after} %`;
    case "shift.green":
      return `Green ${before} % → ${after} %, gradually`;
    case "hold":
      return after ? `New requests wait: ${after}` : "Requests are let go";
    case "maintenance":
      return after ? `Users are told: ${after}` : "Users are served";
    default:
      return `${path}: ${before} → ${after}`;
  }
}

/** What came of a call: a sentence, and where there is more about it. */
export function outcomeOf(wish, { body }) {
  const operation = body?.kind ? body : null;
  if (operation === null) {
    return { text: `Done: ${wish.title}.`, link: null };
  }
  const link = `/operations/${encodeURIComponent(operation.id)}`;
  const how = operation.ended_at === null ? "Begun" : "Done";
  return { text: `${how}: ${wish.title} (${operation.kind} ${operation.id}, ${operation.state}).`, link };
}
