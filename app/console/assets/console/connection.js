import { address, assets } from "./page.js";
import { createStore } from "./store.js";

const WAITS = [1, 2, 4, 8, 15]; // seconds between two looks at a server that does not answer

/**
 * `down`: the server does not answer. `returns` counts how often it came back. `renewed`: it has another version of this
 * page, so that what was not loaded yet cannot be.
 */
export const connection = createStore({ down: false, returns: 0, renewed: false });

let looking = false;

/** Told by whoever got no answer: we look for the server until it is there again. */
export async function lost() {
  if (looking) return;
  looking = true;
  connection.set((now) => ({ ...now, down: true }));
  for (let attempt = 0; !(await answers()); attempt++) {
    await new Promise((resolve) => setTimeout(resolve, WAITS[Math.min(attempt, WAITS.length - 1)] * 1000));
  }
  const renewed = await isRenewed();
  looking = false;
  connection.set((now) => ({ down: false, returns: now.returns + 1, renewed }));
}

/** Told by whoever did not get a module: after an upgrade, or from a server that does not answer. */
export async function missed() {
  if (await isRenewed()) connection.set((now) => ({ ...now, renewed: true }));
  else lost();
}

async function isRenewed() {
  const response = await fetch(`${assets}favicon.svg`, { method: "HEAD", cache: "no-store" }).catch(() => null);
  return response?.status === 404;
}

export async function answers() {
  try {
    return (await fetch(address("session"), { cache: "no-store" })).status < 500;
  } catch {
    return false;
  }
}
