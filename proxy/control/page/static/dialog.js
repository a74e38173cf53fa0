// The one dialog: it shows what would happen, has a word typed, and only then does it. One request for one decision.

import { call, newKey, NoAnswer, Refusal } from "./api.js";
import { FORCIBLE, goalOf, greenAfter, outcomeOf, planned } from "./plan.js";
import { filled } from "./filled.js";

const TYPING = 300; // after which pause of typing the plan is asked for again

const UNKNOWN = "No answer came: it may have been done, or not; the page shows what is so. Pressing again does not do it twice.";

const OVERTAKEN = "Somebody was faster: what this was about has been taken back already, or has gone on. Close this and look again.";

const TRIES = 5; // against a shift that moves on just then

const find = (name) => document.getElementById(`confirm-${name}`);

/** Ask for a decision and carry it out; what came of it, or null if nothing was wanted. */
export function ask(wish) {
  const dialog = document.getElementById("confirm");
  if (dialog.open) {
    return Promise.resolve(null);
  }
  return new Promise((resolve) => new Decision(dialog, wish, resolve).open());
}

/** One opening of the dialog. */
class Decision {
  constructor(dialog, wish, resolve) {
    this.dialog = dialog;
    this.form = dialog.querySelector("form");
    this.wish = wish;
    this.resolve = resolve;
    this.outcome = null;
    this.plan = null; // of the last dry run: its body, the revision, and where it leads; null: refused, or not yet
    this.asked = 0;
    this.sending = false;
    this.key = newKey();
    this.keyFor = "";
    this.over = new AbortController(); // takes all listeners away at the end
  }

  open() {
    this.form.reset();
    this.fillIn();
    this.hear(this.dialog, "close", () => this.end());
    this.hear(this.form, "submit", (event) => this.submit(event));
    this.hear(this.form, "input", (event) => this.typed(event));
    this.hear(find("cancel"), "click", () => this.dialog.close());
    this.hear(this.dialog, "cancel", (event) => this.sending && event.preventDefault());
    this.dialog.showModal();
    (this.group()?.querySelector("input") ?? find("word")).focus();
    this.rehearse();
  }

  /** What else can be filled in. */
  group() {
    return this.wish.fields ? find(this.wish.fields) : null;
  }

  hear(target, name, listener) {
    target.addEventListener(name, listener, { signal: this.over.signal });
  }

  fillIn() {
    const { title, words, word } = this.wish;
    find("title").textContent = title;
    find("words").textContent = words;
    find("name").textContent = word;
    find("do").textContent = title;
    find("force").hidden = true;
    find("plan").replaceChildren();
    for (const group of this.dialog.querySelectorAll("fieldset")) {
      group.hidden = group !== this.group();
    }
    this.settle();
  }

  // A plan is for what was filled in when it was asked for: until the next one is there, nothing can be sent.
  typed(event) {
    if (event.target !== find("word") && event.target.name !== "reason") {
      this.plan = null;
      clearTimeout(this.pause);
      this.pause = setTimeout(() => this.rehearse(), TYPING);
    }
    this.settle();
  }

  /** Ask what would happen, and show it. */
  async rehearse() {
    const asked = ++this.asked;
    const body = this.body();
    try {
      const answer = await call(this.wish.method, `${this.wish.path}?dry_run=true`, body);
      if (asked === this.asked && this.overtaken(answer.body)) {
        this.plan = null;
        this.complain(OVERTAKEN);
      } else if (asked === this.asked) {
        this.plan = { body: JSON.stringify(body), revision: answer.revision, goal: goalOf(answer.body) };
        this.show(planned(answer.body));
      }
    } catch (error) {
      if (asked === this.asked) {
        this.plan = null;
        this.refused(error);
      }
    }
    this.settle();
  }

  // The way back of a way back leads to the color that both wanted to leave.
  overtaken(plan) {
    const after = greenAfter(plan);
    return this.wish.green !== null && after !== null && after !== this.wish.green;
  }

  body() {
    const group = this.group();
    const body = { ...this.wish.body, ...(group && filled(this.wish.fields, group)) };
    if (!find("force").hidden && this.form.elements.force.checked) {
      body.force = true;
    }
    return body;
  }

  show(lines) {
    const list = document.createElement("ul");
    for (const { text, warning } of lines) {
      const item = document.createElement("li");
      item.textContent = text;
      item.classList.toggle("warning", warning);
      list.append(item);
    }
    find("plan").replaceChildren(list);
  }

  complain(text) {
    const notice = document.createElement("p");
    notice.className = "notice bad";
    notice.textContent = text;
    find("plan").replaceChildren(notice, ...(this.plan ? find("plan").querySelectorAll("ul") : []));
  }

  refused(error) {
    this.complain(error instanceof Refusal ? error.message : "The front door does not answer; nothing was changed.");
    if (error instanceof Refusal && FORCIBLE.has(error.code)) {
      find("force").hidden = false;
    }
  }

  /** Whether the dialog belongs to nobody, or to somebody else, by now. */
  get isOver() {
    return this.over.signal.aborted;
  }

  settle() {
    if (this.isOver) {
      return;
    }
    const typed = find("word").value.trim() === this.wish.word;
    find("do").disabled = this.sending || this.plan === null || !typed;
    find("cancel").disabled = this.sending; // it could not be called back
  }

  async submit(event) {
    event.preventDefault();
    this.settle();
    if (find("do").disabled) {
      return;
    }
    this.sending = true;
    this.settle();
    await this.carryOut(this.plan);
    this.sending = false;
    this.settle();
    if (this.isOver) {
      this.resolve(this.outcome);
    }
  }

  async carryOut(plan) {
    try {
      this.outcome = outcomeOf(this.wish, await (this.wish.careful ? this.send(plan) : this.sendLate(plan)));
    } catch (error) {
      await this.failed(error);
      return;
    }
    if (!this.isOver) {
      this.dialog.close();
    }
  }

  send({ body, revision }) {
    const reason = this.form.elements.reason.value.trim();
    const whole = { ...JSON.parse(body), ...(reason && { reason }) };
    const fields = { "Idempotency-Key": this.keyOf(JSON.stringify([whole, revision])) };
    if (revision !== null) {
      fields["If-Match"] = revision;
    }
    return call(this.wish.method, this.wish.path, whole, fields);
  }

  // It holds from wherever a shift has come to meanwhile, but it must lead to where was shown.
  async sendLate({ body, goal }) {
    for (let left = TRIES; ; left--) {
      const now = await call(this.wish.method, `${this.wish.path}?dry_run=true`, JSON.parse(body));
      if (goalOf(now.body) !== goal) {
        throw new Refusal(412, { detail: "something else would happen by now than what was shown" });
      }
      try {
        return await this.send({ body, revision: now.revision });
      } catch (error) {
        if (error.code !== "revision_mismatch" || left === 1) {
          throw error;
        }
      }
    }
  }

  // The same call made again has the same key, so that it is never done twice; another call needs another one.
  keyOf(request) {
    if (this.keyFor !== "" && this.keyFor !== request) {
      this.key = newKey();
    }
    this.keyFor = request;
    return this.key;
  }

  // Whatever is planned now was not confirmed yet: it is shown, and the word has to be typed again.
  async failed(error) {
    const unknown = error instanceof NoAnswer;
    const text = unknown ? UNKNOWN : `Not done: ${error.message}.`;
    if (!unknown && !this.isOver) {
      find("word").value = "";
      await this.rehearse();
    }
    if (this.isOver) {
      this.outcome = { text, link: null };
    } else if (unknown || this.plan !== null) {
      this.complain(text);
    } else {
      this.complain(`${text} ${find("plan").textContent}`); // and why nothing can be planned either
    }
  }

  end() {
    this.over.abort();
    clearTimeout(this.pause);
    this.asked = -1;
    if (!this.sending) {
      this.resolve(this.outcome);
    }
  }
}
