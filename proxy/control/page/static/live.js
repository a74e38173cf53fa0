// The page is rendered by the server alone: a look fetches it again, and what has changed is taken over in place.

import { showButtons } from "./actions.js";
import { morph } from "./morph.js";
import { onLook } from "./pulse.js";
import { clock, setClock, showTimes } from "./times.js";

const PATIENCE = 10_000;

let shown = "";
let heardAt = Date.now();
let lost = false;

/** What a browser adds to what the server sends: buttons that work, and times that count. */
export function dress(root) {
  showButtons(root);
  showTimes(root);
}

/** Keep the sections of the page as the server has them. */
export function follow() {
  onLook(look);
}

async function look() {
  try {
    const response = await fetch(location.href, {
      headers: { Accept: "text/html", "X-Part": "live" },
      cache: "no-cache",
      signal: AbortSignal.timeout(PATIENCE),
    });
    if (response.status === 401) {
      location.reload(); // the session is over: this shows how to sign in
      return;
    }
    if (!response.ok) {
      throw new Error(`answered ${response.status}`);
    }
    setClock(response.headers.get("Date"));
    take(await response.text());
    tellConnected();
  } catch {
    tellLost();
  }
}

function take(text) {
  if (text === shown) {
    return;
  }
  shown = text;
  const fresh = new DOMParser().parseFromString(text, "text/html");
  if (secretOf(fresh) !== secretOf(document)) {
    location.reload(); // signed in anew in another window, perhaps as somebody else: whatever this one sent would be refused
    return;
  }
  dress(fresh);
  if (fresh.title !== "") {
    document.title = fresh.title;
  }
  for (const section of fresh.querySelectorAll("[data-live]")) {
    const old = document.getElementById(section.id);
    if (old !== null) {
      morph(old, section);
    }
  }
  fresh.querySelectorAll("main > section[id]").forEach(addMissing);
}

function secretOf(page) {
  return page.querySelector('meta[name="csrf-token"]')?.content;
}

// What was not on the page before, as the receipt of an operation that has just ended, comes behind what precedes it.
function addMissing(section) {
  if (document.getElementById(section.id) === null) {
    const before = document.getElementById(section.previousElementSibling?.id ?? "");
    if (before === null) {
      document.getElementById("main").append(section);
    } else {
      before.after(section);
    }
  }
}

function tellConnected() {
  heardAt = Date.now();
  if (lost) {
    lost = false;
    document.documentElement.removeAttribute("data-lost");
    notice().hidden = true;
  }
}

// Said once and not at every try, so that nobody who has the page read aloud hears of nothing else.
function tellLost() {
  if (!lost) {
    lost = true;
    document.documentElement.setAttribute("data-lost", "");
    notice().hidden = false;
    notice().textContent = `No connection since ${clock(heardAt / 1000)}: everything below is as it was then. Trying again …`;
  }
}

function notice() {
  return document.getElementById("connection");
}
