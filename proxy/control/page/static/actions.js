// The buttons: each opens the one dialog, and what came of it is said in the page.

import { ask } from "./dialog.js";
import { soon } from "./pulse.js";

/** Show the buttons, which mean nothing without this. */
export function showButtons(root) {
  for (const button of root.querySelectorAll("[data-action][hidden]")) {
    button.hidden = false;
  }
}

/** Have clicks on buttons carried out, also on those that come later. */
export function listen() {
  document.addEventListener("click", async (event) => {
    const button = event.target.closest?.("[data-action]");
    if (button === null || button === undefined || button.disabled) {
      return;
    }
    const outcome = await ask(read(button.dataset));
    if (outcome !== null) {
      tell(outcome);
      soon();
    }
  });
}

function read({ action, method, path, body, confirm, title, words, fields, revision, green }) {
  return {
    action,
    method: method ?? "POST",
    path,
    body: JSON.parse(body || "{}"),
    word: confirm ?? "",
    title: title ?? action,
    words: words ?? "",
    fields: fields ?? "",
    green: green === undefined ? null : Number(green), // its share, to which this is meant to lead
    careful: Boolean(revision), // meant only for what is planned, and not for whatever it has become meanwhile
  };
}

function tell({ text, link }) {
  const status = document.getElementById("outcome");
  status.replaceChildren(text);
  if (link) {
    const anchor = document.createElement("a");
    anchor.href = link;
    anchor.textContent = "See it";
    status.append(" ", anchor);
  }
}
