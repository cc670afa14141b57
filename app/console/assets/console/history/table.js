import { html, useLayoutEffect, useRef } from "../lib.js";
import { address } from "../page.js";
import { Picture } from "../parts/image.js";
import { FailedBadge, Marked, ReviewBadge, Score, Time } from "../parts/small.js";
import { excerpt } from "../texts.js";

export const linkTo = (id) => address(`descriptions/${encodeURIComponent(id)}`);

/** Whether the panel was opened by Enter, so that the focus goes along. */
export const lastOpening = { byKeyboard: false };

/** A plain click on a result opens it beside the list; any other, and one on a control, does what it does elsewhere. */
export function opens(event, open) {
  if (event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  if (event.target.closest("button, input, label")) return;
  if (getSelection().toString() && !event.target.closest("a")) return;
  event.preventDefault();
  lastOpening.byKeyboard = event.detail === 0;
  open();
}

/** What is said, or why nothing is. */
export function Said({ row, hits }) {
  if (row.description === null) return html`<span class="faint">${row.errorMessage ?? "No text"}</span>`;
  return html`<${Marked} text=${excerpt(row.description, hits)} hits=${hits} />`;
}

export const State = ({ row }) =>
  row.status === "FAILED" ? html`<${FailedBadge} />` : html`<${ReviewBadge} state=${row.reviewState} />`;

function Row({ row, isOpen, isSelected, hits, toggle, open }) {
  return html`
    <tr data-open=${isOpen ? "" : undefined} data-selected=${isSelected ? "" : undefined} onClick=${(event) => opens(event, () => open(row.id))}>
      <td class="pick"><label><input type="checkbox" aria-label=${`Select result ${row.id}`} checked=${isSelected} onChange=${() => toggle(row.id)} /></label></td>
      <td class="thumb"><${Picture} url=${row.imageUrl} /></td>
      <td class="said">
        <a href=${linkTo(row.id)} dir="auto" aria-current=${isOpen ? "true" : undefined}><${Said} row=${row} hits=${hits} /></a>
        <div class="under"><span>${row.type}</span><span>${row.sourceType}</span><${Time} at=${row.createdAt} /><${Score} value=${row.confidenceScore} /><${State} row=${row} /></div>
      </td>
      <td class="number"><${Score} value=${row.confidenceScore} /></td>
      <td class="wide" dir="auto" title=${row.type}>${row.type}</td>
      <td class="wide" dir="auto" title=${row.sourceType}>${row.sourceType}</td>
      <td class="state"><${State} row=${row} /></td>
      <td class="time wide"><${Time} at=${row.createdAt} /></td>
    </tr>
  `;
}

function SelectAll({ rows, selected, setSelected }) {
  const box = useRef(null);
  const all = selected.size === rows.length;
  useLayoutEffect(() => {
    box.current.indeterminate = selected.size > 0 && !all;
  });
  return html`
    <label><input ref=${box} type="checkbox" aria-label="Select all on this page" checked=${all}
      onChange=${() => setSelected(new Set(all ? [] : rows.map(({ id }) => id)))} /></label>
  `;
}

export function Table({ rows, peek, hits, selected, toggle, setSelected, open }) {
  return html`
    <table class="results">
      <caption class="unseen">Results</caption>
      <thead>
        <tr>
          <th class="pick"><${SelectAll} rows=${rows} selected=${selected} setSelected=${setSelected} /></th>
          <th class="thumb"><span class="unseen">Image</span></th>
          <th>Text</th>
          <th class="number">Score</th>
          <th class="wide">Type</th>
          <th class="wide">Source</th>
          <th class="state">Review</th>
          <th class="time wide" title="All times are UTC">Time, UTC</th>
        </tr>
      </thead>
      <tbody>
        ${rows.map(
          (row) =>
            html`<${Row} key=${row.id} row=${row} hits=${hits} isOpen=${row.id === peek} isSelected=${selected.has(row.id)} toggle=${toggle} open=${open} />`,
        )}
      </tbody>
    </table>
  `;
}
