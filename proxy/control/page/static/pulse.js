// When to look again: soon after something happened, and otherwise every two seconds; never while nobody looks.

const EVERY = 2000;
const SOON = 500; // however much happens, no look follows the last one sooner
const STREAM_AGAIN = 30_000; // after the server refused a stream; until then the looks of every two seconds do

const NAMES = [
  "changed",
  "observed",
  "operation_applied",
  "operation_progress",
  "operation_ended",
  "store_unavailable",
  "store_available",
  "table_too_large",
  "missed",
];

const looks = [];
let stream = null;
let timer = 0;
let retry = 0;
let busy = false;
let wanted = false; // something happened while the last look was under way
let last = -SOON;

/** Have something done at every look. What it throws is its own affair; the next look comes all the same. */
export function onLook(look) {
  looks.push(look);
}

/** Begin to look, and to hear of events. Ends and begins again with the page's being hidden and shown. */
export function begin() {
  document.addEventListener("visibilitychange", () => (document.hidden ? pause() : resume()));
  window.addEventListener("online", soon);
  if (!document.hidden) {
    resume();
  }
}

/** Look as soon as may be. */
export function soon() {
  if (busy) {
    wanted = true;
    return;
  }
  plan(Math.max(0, last + SOON - performance.now()));
}

function resume() {
  connect();
  soon();
}

function pause() {
  clearTimeout(timer);
  clearTimeout(retry);
  stream?.close(); // a browser has few connections for each site, and hidden pages must not use them up
  stream = null;
}

function plan(delay) {
  clearTimeout(timer);
  timer = setTimeout(look, delay);
}

async function look() {
  busy = true;
  wanted = false;
  last = performance.now();
  await Promise.allSettled(looks.map((each) => each()));
  busy = false;
  if (!document.hidden) {
    plan(wanted ? SOON : EVERY);
  }
}

// The browser takes the stream up again by itself where it broke off, with the id of the last event.
function connect() {
  clearTimeout(retry);
  stream?.close();
  stream = new EventSource("/v1/events");
  for (const name of NAMES) {
    stream.addEventListener(name, soon);
  }
  stream.addEventListener("error", () => {
    if (stream?.readyState === EventSource.CLOSED) {
      retry = setTimeout(connect, STREAM_AGAIN);
    }
  });
}
