import { html, useEffect } from "../lib.js";
import { createStore, useStore } from "../store.js";
import { Icon } from "./icons.js";

const SHOWN = 6000; // milliseconds

const said = createStore(null);
const whispered = createStore("");

/** Says a sentence: seen for some seconds, and read aloud. `link`: `{href, text}`. */
export const announce = (text, { link, mood } = {}) => said.set({ text, link, mood });

/** Says it to screen readers alone. */
export const whisper = (text) => whispered.set(text);

export function Announcements() {
  const now = useStore(said);
  const quiet = useStore(whispered);
  useEffect(() => {
    if (!now) return undefined;
    const timer = setTimeout(() => said.set(null), SHOWN);
    return () => clearTimeout(timer);
  }, [now]);
  return html`
    <div class="announcements" role="status">
      ${now &&
      html`<div class="toast" data-mood=${now.mood}>
        <span>${now.text}</span>
        ${now.link && html`<a href=${now.link.href}>${now.link.text}</a>`}
        <button class="quiet" aria-label="Dismiss" onClick=${() => said.set(null)}><${Icon} name="close" /></button>
      </div>`}
    </div>
    <div class="unseen" aria-live="polite">${quiet}</div>
  `;
}
