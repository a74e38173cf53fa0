// Calls of the admin API with the session of the page.

const PATIENCE = 60_000; // an exclusive switch answers once it has moved
const READING = 10_000; // looks wait for each other: one that hangs must not keep the page from telling that all do

/** A call that was refused: `message` is the API's own sentence. */
export class Refusal extends Error {
  constructor(status, problem) {
    super(problem?.detail ?? `the server answered ${status}`);
    this.status = status;
    this.code = problem?.code ?? "";
  }
}

/** A call without an answer: it may have been carried out, or not. */
export class NoAnswer extends Error {}

/**
 * Make a call; the answer as `{status, body, revision}`.
 * Throws a Refusal or NoAnswer.
 */
export async function call(method, path, body, fields = {}) {
  const headers = { Accept: "application/json", ...fields };
  const csrf = document.querySelector('meta[name="csrf-token"]')?.content;
  if (csrf) {
    headers["X-CSRF-Token"] = csrf;
  }
  const options = { method, headers, cache: "no-store", signal: AbortSignal.timeout(method === "GET" ? READING : PATIENCE) };
  if (body !== undefined) {
    headers["Content-Type"] = "application/json";
    options.body = JSON.stringify(body);
  }
  const { response, text } = await answer(path, options);
  const document_ = parsed(text);
  if (!response.ok) {
    throw new Refusal(response.status, document_);
  }
  return { status: response.status, body: document_, revision: response.headers.get("ETag") };
}

async function answer(path, options) {
  try {
    const response = await fetch(path, options);
    return { response, text: await response.text() };
  } catch (error) {
    throw new NoAnswer(String(error));
  }
}

function parsed(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}

/** A key that no other call has. `crypto.randomUUID` would need HTTPS or loopback. */
export function newKey() {
  return [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
