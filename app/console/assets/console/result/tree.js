import { count } from "../formats.js";
import { html, useState } from "../lib.js";
import { address } from "../page.js";
import { clip, EMPTY, write } from "../view.js";

const SHOWN = 50; // entries of an object or list, and then as many more
const OPEN = 2; // levels

/** JSON as a tree. With `finds`, a value leads to the results that have the same. */
export function Tree({ value, finds = false, path = [], depth = 0 }) {
  const [shown, setShown] = useState(SHOWN);
  if (value === null || typeof value !== "object") return html`<${Leaf} value=${value} path=${finds ? path : null} />`;
  const entries = Object.entries(value);
  const more = entries.length - shown;
  return html`
    <ul class="tree">
      ${entries.slice(0, shown).map(
        ([name, inner]) => html`<li key=${name}><${Branch} name=${name} value=${inner} finds=${finds && !Array.isArray(value)} path=${[...path, name]} depth=${depth} /></li>`,
      )}
      ${more > 0 && html`<li><button class="quiet more" onClick=${() => setShown(shown + SHOWN)}>${count(more)} more</button></li>`}
    </ul>
  `;
}

function Branch({ name, value, finds, path, depth }) {
  const size = value !== null && typeof value === "object" ? Object.keys(value).length : 0;
  if (!size) return html`<bdi class="name">${clip(name, 80)}</bdi> <${Tree} value=${Array.isArray(value) ? "[]" : value && typeof value === "object" ? "{}" : value} finds=${finds && typeof value !== "object"} path=${path} />`;
  return html`
    <details open=${depth < OPEN && size <= SHOWN}>
      <summary><bdi class="name">${clip(name, 80)}</bdi> <span class="faint">${Array.isArray(value) ? `[${count(size)}]` : `{${count(size)}}`}</span></summary>
      <${Tree} value=${value} finds=${finds} path=${path} depth=${depth + 1} />
    </details>
  `;
}

function Leaf({ value, path }) {
  const [whole, setWhole] = useState(false);
  const text = typeof value === "string" ? value : JSON.stringify(value);
  const printed = html`<bdi class="leaf" data-kind=${value === null ? "null" : typeof value}>${whole ? text : clip(text, 300)}</bdi>`;
  if (text.length > 300) return html`${printed} <button class="quiet more" aria-expanded=${whole} onClick=${() => setWhole(!whole)}>${whole ? "less" : `all ${count(text.length)} characters`}</button>`;
  const searchable = path?.length && value !== null && path.every((name) => !/[.=]/.test(name));
  if (!searchable) return printed;
  const view = { ...EMPTY, metadata: [{ path: path.join("."), equals: value }] };
  return html`<a class="find" href=${address(write(view))} title="Find all with this value">${printed}</a>`;
}
