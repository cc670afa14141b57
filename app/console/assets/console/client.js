import { lost } from "./connection.js";
import { address } from "./page.js";
import { ended } from "./session.js";
import { createStore } from "./store.js";

/** The server understood and refused: `code` is for programs, the message a sentence. */
export class Refused extends Error {
  constructor(message, { code = "", retryAfter = 0 } = {}) {
    super(message);
    Object.assign(this, { code, retryAfter });
  }
}

export class Unreachable extends Error {
  constructor() {
    super("The server does not answer.");
  }
}

/** Requests of this key that are left in the minute: `{limit, remaining}`, or null before the first answer. */
export const allowance = createStore(null);

const headers = {
  "Content-Type": "application/json",
  Accept: "application/graphql-response+json, application/json;q=0.9",
};

async function send(body, signal) {
  try {
    return await fetch(address("graphql"), { method: "POST", headers, body, signal });
  } catch (error) {
    if (error.name === "AbortError") throw error;
    lost();
    throw new Unreachable();
  }
}

function readAllowance(response) {
  const [limit, remaining] = ["Limit", "Remaining"].map((name) => response.headers.get(`X-RateLimit-${name}`));
  if (limit) allowance.set({ limit: Number(limit), remaining: Number(remaining) });
}

/**
 * Executes a document of `documents.js`; its data. Waits for a new sign-in where the session has ended. Throws Refused or
 * Unreachable.
 */
export async function ask(document, variables = {}, { signal } = {}) {
  const body = JSON.stringify({ query: document, variables });
  let response = await send(body, signal);
  while (response.status === 401) {
    await ended(await reason(response));
    response = await send(body, signal);
  }
  readAllowance(response);
  const answer = await response.json().catch(() => null);
  if (!answer || response.status === 503 || (response.status >= 500 && !answer.errors)) {
    lost();
    throw new Unreachable();
  }
  const [error] = answer.errors ?? [];
  if (error) {
    const retryAfter = Number(response.headers.get("Retry-After")) || 0;
    throw new Refused(error.message, { code: error.extensions?.code, retryAfter });
  }
  return answer.data;
}

const reason = async (response) => {
  const answer = await response.json().catch(() => null);
  return answer?.errors?.[0]?.message ?? "Your session has ended.";
};
