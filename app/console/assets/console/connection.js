import { address } from "./page.js";
import { createStore } from "./store.js";

const WAITS = [1, 2, 4, 8, 15]; // seconds between two looks at a server that does not answer

/** `down`: the server does not answer. `returns` counts how often it came back. */
export const connection = createStore({ down: false, returns: 0 });

let looking = false;

/** Told by whoever got no answer: we look for the server until it is there again. */
export async function lost() {
  if (looking) return;
  looking = true;
  connection.set((now) => ({ ...now, down: true }));
  for (let attempt = 0; !(await answers()); attempt++) {
    await new Promise((resolve) => setTimeout(resolve, WAITS[Math.min(attempt, WAITS.length - 1)] * 1000));
  }
  looking = false;
  connection.set((now) => ({ down: false, returns: now.returns + 1 }));
}

export async function answers() {
  try {
    return (await fetch(address("session"), { cache: "no-store" })).status < 500;
  } catch {
    return false;
  }
}
