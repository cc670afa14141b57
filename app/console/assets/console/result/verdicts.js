import { createStore } from "../store.js";

/** The review state of results that were reviewed on this page: what is listed stays in its place. */
export const verdicts = createStore(new Map());

export function given(ids, state) {
  verdicts.set((known) => new Map([...known, ...ids.map((id) => [id, state])]));
}

/** Texts that are being written, by result: they outlive the panel and the session, not the page. */
export const drafts = new Map();
