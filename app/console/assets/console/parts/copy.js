import { html, useEffect, useState } from "../lib.js";
import { announce } from "./announce.js";
import { Icon } from "./icons.js";

/** Copies a text, also where the page did not come over https. */
export async function copy(text) {
  if (navigator.clipboard) return navigator.clipboard.writeText(text);
  const field = document.createElement("textarea");
  field.value = text;
  const inside = document.querySelector("dialog[open]") ?? document.body;
  inside.append(field);
  field.select();
  const done = document.execCommand("copy");
  field.remove();
  if (!done) throw new Error("not copied");
}

/** A button that copies `text`, or what `text()` gives. `label` names what is copied; `children` are shown, else an icon. */
export function CopyButton({ text, label, children }) {
  const [done, setDone] = useState(false);
  useEffect(() => {
    if (!done) return undefined;
    const timer = setTimeout(() => setDone(false), 1500);
    return () => clearTimeout(timer);
  }, [done]);
  async function clicked() {
    try {
      await copy(typeof text === "function" ? await text() : text);
      setDone(true);
    } catch (error) {
      announce(error.message === "not copied" ? "Your browser does not let this page copy." : error.message);
    }
  }
  return html`
    <button type="button" class="quiet copy" aria-label=${`Copy ${label}`} title=${`Copy ${label}`} onClick=${clicked}>
      <${Icon} name=${done ? "check" : "copy"} />${children}
      <span class="unseen" role="status">${done ? "Copied" : ""}</span>
    </button>
  `;
}
