import { day } from "../formats.js";
import { html } from "../lib.js";
import { Picture } from "../parts/image.js";
import { Score, Time } from "../parts/small.js";
import { linkTo, opens, Said, State } from "./table.js";

function Card({ row, isOpen, isSelected, hits, toggle, open }) {
  return html`
    <li class="card" data-open=${isOpen ? "" : undefined} data-selected=${isSelected ? "" : undefined} onClick=${(event) => opens(event, () => open(row.id))}>
      <${Picture} url=${row.imageUrl} />
      <label class="pick"><input type="checkbox" aria-label=${`Select result ${row.id}`} checked=${isSelected} onChange=${() => toggle(row.id)} /></label>
      <a class="said" href=${linkTo(row.id)} dir="auto" aria-current=${isOpen ? "true" : undefined}><${Said} row=${row} hits=${hits} /></a>
      <div class="foot">
        <${Score} value=${row.confidenceScore} />
        <${State} row=${row} />
        <${Time} at=${row.createdAt} print=${(at) => day(at)} />
      </div>
    </li>
  `;
}

export function Grid({ rows, peek, hits, selected, toggle, open }) {
  return html`
    <ul class="cards" aria-label="Results">
      ${rows.map(
        (row) =>
          html`<${Card} key=${row.id} row=${row} hits=${hits} isOpen=${row.id === peek} isSelected=${selected.has(row.id)} toggle=${toggle} open=${open} />`,
      )}
    </ul>
  `;
}
