import { current, signIn as begin, signOut as finish, tidy } from "../session.js";
import { address } from "./page.js";
import { createStore } from "./store.js";

/**
 * Who is signed in. `status`: `asking`, `in`, `out` (the form instead of the page), or `ended` (the form over the page,
 * which keeps what was typed). `viewer`: `{account, scope, keyPrefix}`; `reason`: a sentence for the form.
 */
export const session = createStore({ status: "asking", viewer: null, reason: "" });

const SCOPES = ["read", "write", "admin"];
let waiting = [];

export const allows = (viewer, scope) => SCOPES.indexOf(viewer?.scope) >= SCOPES.indexOf(scope);

const viewerOf = ({ account, scope, key_prefix }) => ({ account, scope: scope.toLowerCase(), keyPrefix: key_prefix });

/** Asks who is signed in; a TypeError where the server does not answer. */
export async function start() {
  const found = await current();
  if (found) return enter(viewerOf(found));
  return session.set((now) => ({ ...now, status: "out" }));
}

function enter(viewer) {
  const before = session.get().viewer;
  // What is on the page belongs to the account before.
  if (before && before.account !== viewer.account) return location.reload();
  session.set({ status: "in", viewer, reason: "" });
  for (const resolve of waiting.splice(0)) resolve();
}

/** Told by whoever was refused; the promise is kept when somebody has signed in again. */
export function ended(reason) {
  session.set((now) => ({ ...now, status: now.viewer ? "ended" : "out", reason: now.viewer ? reason : now.reason }));
  return new Promise((resolve) => waiting.push(resolve));
}

/** Makes a session of a key; the sentence to show if it is refused, else nothing. */
export async function signIn(text) {
  if (!tidy(text)) return "Paste an API key. It begins with sightlog_.";
  let answer;
  try {
    answer = await begin(text);
  } catch (error) {
    return error instanceof TypeError ? "The server does not answer. Try again in a moment." : error.message;
  }
  enter(viewerOf(answer));
}

export async function signOut() {
  await finish().catch(() => null);
  location.assign(address());
}

// Somebody may have signed in in another tab.
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && ["out", "ended"].includes(session.get().status)) start().catch(() => null);
});
