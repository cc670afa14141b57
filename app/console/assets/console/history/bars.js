import { count, shortCount } from "../formats.js";
import { html, useState } from "../lib.js";
import { clip } from "../view.js";

const SHOWN = 10;
const MOST = 200; // drawn at once, when all are asked for
const LISTED = 1000; // names that the server lists at most

/**
 * Bars that are choices, each with its count. `rows`: `{key, label, count}`; what is chosen stays, even without a count.
 * `truncated`: the server may have more than it lists; any of those can be chosen by its whole name.
 */
export function Bars({ name, rows, chosen, onToggle, truncated }) {
  const [all, setAll] = useState(false);
  const [part, setPart] = useState("");
  if (!rows) return html`<div class="bars empty" aria-busy="true"></div>`;
  const known = new Set(rows.map(({ key }) => key));
  const left = truncated && rows.length >= LISTED;
  const named = left && part && !chosen.includes(part) ? [part] : [];
  const gone = [...named, ...chosen].filter((key) => !known.has(key)).map((key) => ({ key, label: key, count: left ? undefined : 0 }));
  const ordered = rows.length > SHOWN ? [...rows].sort((a, b) => (b.count ?? 0) - (a.count ?? 0)) : rows;
  const listed = [...gone, ...ordered].filter(({ label }) => label.toLowerCase().includes(part.toLowerCase()));
  const shown = all ? listed.slice(0, MOST) : listed.filter(({ key }, index) => index < SHOWN || chosen.includes(key));
  const most = Math.max(1, ...rows.map((row) => row.count ?? 0));
  return html`
    ${all && rows.length > 2 * SHOWN && html`<input class="part" type="search" aria-label=${`Find in ${name}`} placeholder="Find" value=${part} onInput=${(event) => setPart(event.target.value)} />`}
    <ul class="bars" aria-label=${name}>
      ${shown.map(
        (row) => html`
          <li key=${row.key}>
            <button class="bar-row" aria-pressed=${chosen.includes(row.key)} title=${row.label.length > 24 ? clip(row.label, 200) : undefined} onClick=${() => onToggle(row.key)}>
              <span class="fill" aria-hidden="true" style=${{ width: `${((row.count ?? 0) / most) * 100}%` }}></span>
              <bdi class="name">${clip(row.label)}</bdi>
              <span class="count" title=${row.count >= 10_000 ? count(row.count) : undefined}>${row.count === undefined ? "" : shortCount(row.count)}</span>
            </button>
          </li>`,
      )}
    </ul>
    ${listed.length > shown.length && !all && html`<button class="quiet more" onClick=${() => setAll(true)}>${count(listed.length - shown.length)} more</button>`}
    ${all && html`<button class="quiet more" onClick=${() => setAll(false) ?? setPart("")}>Fewer</button>`}
    ${left && html`<p class="faint small">Only the ${count(LISTED)} largest are listed${all ? ": type the whole name of another" : ""}.</p>`}
    ${all && !left && listed.length > MOST && html`<p class="faint small">The first ${MOST} are shown.</p>`}
  `;
}
