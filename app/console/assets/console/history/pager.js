import { count } from "../formats.js";
import { html, useId } from "../lib.js";
import { Icon } from "../parts/icons.js";
import { byTime, PAGE_SIZE } from "../view.js";
import { DayField } from "./dayfield.js";

function Turn({ label, icon, off, onClick }) {
  return html`
    <button class="quiet" aria-label=${label} title=${label} disabled=${off} onClick=${onClick}><${Icon} name=${icon} /></button>
  `;
}

/** First, previous, next, last page, and a day to go to. Where a page begins in the list is told if it is known. */
export function Pager({ view, page, total, state, onTurn }) {
  const id = useId();
  const { rows, pageInfo } = page;
  const { hasNextPage = false, hasPreviousPage = false, startCursor, endCursor } = pageInfo ?? {};
  const known = !view.after && !view.before && !view.at && !view.end ? 1 : state.at;
  const first = view.end && total ? total - rows?.length + 1 : known;
  const range = rows?.length && (first ? `${count(first)}–${count(first + rows.length - 1)}` : `${count(rows.length)} of a page`);
  return html`
    <nav class="pager" aria-label="Pages of results">
      ${byTime(view) &&
      html`<label class="jump" for=${id}><span>Go to</span> <${DayField} id=${id} label="Go to" value=${view.at} onDay=${(at) => onTurn({ at }, 0)} /></label>`}
      <span class="range">${range}</span>
      <${Turn} label="First page" icon="first" off=${!hasPreviousPage} onClick=${() => onTurn({}, 0)} />
      <${Turn} label="Previous page" icon="left" off=${!hasPreviousPage} onClick=${() => onTurn({ before: startCursor }, -1)} />
      <${Turn} label="Next page" icon="right" off=${!hasNextPage} onClick=${() => onTurn({ after: endCursor }, PAGE_SIZE)} />
      <${Turn} label="Last page" icon="last" off=${!hasNextPage} onClick=${() => onTurn({ end: true }, 0)} />
    </nav>
  `;
}

/** Below the list, for who has read to its end. */
export function Further({ page, onTurn }) {
  const { hasNextPage, hasPreviousPage, startCursor, endCursor } = page.pageInfo;
  return html`
    <nav class="status-line below" aria-label="Further results">
      ${hasPreviousPage && html`<button onClick=${() => onTurn({ before: startCursor }, -1)}><${Icon} name="left" />Previous ${PAGE_SIZE}</button>`}
      ${hasNextPage && html`<button onClick=${() => onTurn({ after: endCursor }, PAGE_SIZE)}>Next ${PAGE_SIZE}<${Icon} name="right" /></button>`}
    </nav>
  `;
}
