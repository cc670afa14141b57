import { html, useEffect, useRef, useState } from "../lib.js";
import { address } from "../page.js";
import { Icon } from "../parts/icons.js";
import { place } from "../router.js";
import { useShortcuts } from "../shortcuts.js";
import { useStateOf } from "../store.js";
import { chipsOf, clip, fromStart, ORDERS, write, EMPTY } from "../view.js";
import { ExportDialog } from "../exports/dialog.js";

const TYPED = 400; // milliseconds after the last key

/** The field of the search. What is typed applies a moment later, and at once by Enter. */
function Search({ view, narrow }) {
  const [text, setText] = useStateOf(view.search, view.search);
  const timer = useRef(0);
  const field = useRef(null);
  useEffect(() => () => clearTimeout(timer.current), []);
  useShortcuts({
    "/": () => {
      field.current.focus();
      field.current.select();
    },
  });
  function apply(search) {
    clearTimeout(timer.current);
    // Words that are typed on replace each other: one step of the back button leads out.
    if (search.trim() !== view.search) narrow({ search: search.trim() }, { replace: Boolean(place.get().state.typed), state: { typed: true } });
  }
  function typed(event) {
    const { value } = event.target;
    setText(value);
    clearTimeout(timer.current);
    timer.current = setTimeout(() => apply(value), TYPED);
  }
  function key(event) {
    if (event.key === "Enter") apply(event.target.value);
    if (event.key === "Escape") event.target.blur();
  }
  return html`
    <div class="search" role="search">
      <${Icon} name="search" />
      <input
        ref=${field}
        type="search"
        aria-label="Search texts"
        placeholder='Search: words, "a phrase", -without'
        value=${text}
        dir="auto"
        spellcheck=${false}
        onInput=${typed}
        onKeyDown=${key}
      />
      <kbd aria-hidden="true">/</kbd>
    </div>
  `;
}

function Layouts({ view, show }) {
  const button = (grid, label, icon) => html`
    <button aria-label=${label} title=${`${label} (T)`} aria-pressed=${view.grid === grid}
      onClick=${() => show({ grid }, { replace: true, state: place.get().state })}><${Icon} name=${icon} /></button>
  `;
  return html`<div class="pair" role="group" aria-label="Layout">${button(false, "Table", "table")}${button(true, "Grid", "grid")}</div>`;
}

export function Toolbar({ view, actions, total, seen }) {
  const [exporting, setExporting] = useState(false);
  const chips = chipsOf(view);
  const orders = Object.entries(ORDERS);
  return html`
    <div class="toolbar">
      <${Search} view=${view} narrow=${actions.narrow} />
      <select aria-label="Order" value=${view.order} onChange=${(event) => actions.narrow({ order: event.target.value })}>
        ${orders.map(([name, { label }]) => html`<option value=${name} selected=${name === view.order}>${label}</option>`)}
      </select>
      <${Layouts} view=${view} show=${actions.show} />
      <button class="export" onClick=${() => setExporting(true)}><${Icon} name="download" />Export</button>
    </div>
    ${chips.length > 0 &&
    html`<ul class="chips" aria-label="Filters that apply">
      ${chips.map(
        ({ label, value, without }) => html`
          <li>
            <span class="chip"><span class="faint">${label}</span> <bdi>${clip(value)}</bdi>
              <a href=${address(write(without))} aria-label=${`Remove ${label} ${clip(value)}`}><${Icon} name="close" /></a>
            </span>
          </li>`,
      )}
      <li><a class="clear" href=${address(write({ ...EMPTY, order: view.order, grid: view.grid }))}>Clear all</a></li>
    </ul>`}
    ${exporting && html`<${ExportDialog} view=${fromStart(view)} total=${total} seen=${seen} onClose=${() => setExporting(false)} />`}
  `;
}
