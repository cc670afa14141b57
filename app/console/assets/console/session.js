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
  const response = await fetch(address("session"), { cache: "no-store" });
  if (response.ok) return enter(viewerOf(await response.json()));
  await response.text(); // or the browser takes the request for one that still runs
  if (response.status >= 500) throw new TypeError("no answer");
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

/** What is copied along with a key: spaces, invisible characters, "Bearer". */
const tidy = (text) => text.trim().replace(/^bearer\s+/i, "").replace(/[^!-~]/g, "");

/** Makes a session of a key; the sentence to show if it is refused, else nothing. */
export async function signIn(text) {
  const key = tidy(text);
  if (!key) return "Paste an API key. It begins with sightlog_.";
  let response;
  try {
    response = await fetch(address("session"), {
      method: "POST",
      headers: { "Content-Type": "application/json" },
      body: JSON.stringify({ key }),
    });
  } catch {
    return "The server does not answer. Try again in a moment.";
  }
  const answer = await response.json().catch(() => null);
  if (!response.ok) return sentence(answer) ?? `The server answered ${response.status}.`;
  enter(viewerOf(answer));
}

const sentence = (answer) => {
  const detail = answer?.error?.message ?? answer?.detail?.message ?? answer?.detail;
  return typeof detail === "string" ? detail : undefined;
};

export async function signOut() {
  await fetch(address("session"), { method: "DELETE" }).catch(() => null);
  location.assign(address());
}

// Somebody may have signed in in another tab.
document.addEventListener("visibilitychange", () => {
  if (!document.hidden && ["out", "ended"].includes(session.get().status)) start().catch(() => null);
});
