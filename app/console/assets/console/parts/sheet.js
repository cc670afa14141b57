import { html } from "../lib.js";
import { allowSingleKeys, singleKeys } from "../preferences.js";
import { useStore } from "../store.js";
import { Dialog } from "./dialog.js";
import { Key } from "./small.js";

const SHEET = {
  "In the list": [
    [["J", "K"], "Open the next or previous result"],
    [["/"], "Search"],
    [["]", "["], "Next or previous page"],
    [["T"], "Table or grid"],
    [["X"], "Select the open result"],
  ],
  "With a result open": [
    [["J", "↓", "→"], "Next"],
    [["K", "↑", "←"], "Previous"],
    [["Esc"], "Close"],
    [["A"], "Accept"],
    [["R"], "Reject"],
    [["E"], "Correct the text"],
    [["N"], "Write a note"],
    [["Ctrl", "Enter"], "Save what you write"],
  ],
  Everywhere: [[["?"], "This sheet"]],
};

export function ShortcutSheet({ onClose }) {
  const on = useStore(singleKeys);
  return html`
    <${Dialog} title="Keyboard" onClose=${onClose}>
      ${Object.entries(SHEET).map(
        ([title, rows]) => html`
          <h3>${title}</h3>
          <dl class="sheet">
            ${rows.map(([keys, what]) => html`<div><dt>${what}</dt><dd>${keys.map((key) => html`<${Key}>${key}<//>`)}</dd></div>`)}
          </dl>
        `,
      )}
      <label class="choice">
        <input type="checkbox" checked=${on} onChange=${(event) => allowSingleKeys(event.target.checked)} />
        Single keys do something; arrows, Enter and Esc always do
      </label>
      <div class="actions"><button class="primary" onClick=${onClose}>Close</button></div>
    <//>
  `;
}
