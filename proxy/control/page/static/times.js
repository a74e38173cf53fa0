// Times that count: how long until something, how long ago something was. By the server's clock, whatever ours says.

const EVERY = 1000;
const CLOCK = new Intl.DateTimeFormat("en", { hour: "2-digit", minute: "2-digit", second: "2-digit", hourCycle: "h23" });

let ahead = 0; // milliseconds by which the server's clock is ahead of ours

/** Go by the server's clock, as the Date field of an answer tells it. */
export function setClock(date) {
  const difference = Date.parse(date ?? "") - Date.now();
  if (!Number.isNaN(difference)) {
    ahead = Math.abs(difference) > 2 * EVERY ? difference : 0; // the field tells whole seconds
  }
}

/** A moment by the clock on the wall, of 24 hours as in logs: `03:04:05`. */
export function clock(seconds) {
  return CLOCK.format(seconds * 1000);
}

/** Show every time below a node as it is now. */
export function showTimes(root) {
  const now = (Date.now() + ahead) / 1000;
  for (const element of root.querySelectorAll("time[data-until]")) {
    show(element, span(Math.max(0, Number(element.dataset.until) - now)));
  }
  for (const element of root.querySelectorAll("time[data-ago]")) {
    show(element, `${span(Math.max(0, now - Date.parse(element.dateTime) / 1000))} ago`);
  }
}

/** Count from now on. */
export function count() {
  setInterval(() => document.hidden || showTimes(document), EVERY);
}

function show(element, text) {
  if (element.textContent !== text) {
    element.textContent = text;
  }
}

/** So many seconds in words: 42 s, 3 min 05 s, 2 h 10 min, 3 d 4 h. */
export function span(seconds) {
  const whole = Math.round(seconds);
  if (whole < 60) {
    return `${whole} s`;
  }
  const minutes = Math.floor(whole / 60);
  if (minutes < 60) {
    return `${minutes} min ${String(whole % 60).padStart(2, "0")} s`;
  }
  const hours = Math.floor(minutes / 60);
  return hours < 24 ? `${hours} h ${minutes % 60} min` : `${Math.floor(hours / 24)} d ${hours % 24} h`;
}
