/** Small things that several pages show. */
import { exactly, moment, score } from "../formats.js";
import { html } from "../lib.js";
import { pieces } from "../texts.js";

export const Time = ({ at, print = moment }) => html`<time datetime=${at} title=${exactly(at)}>${print(at)}</time>`;

/** A text with the hits of the search marked. HTML in it is text. */
export const Marked = ({ text, hits }) =>
  pieces(text, hits).map((piece, index) => (index % 2 ? html`<mark>${piece}</mark>` : piece));

export function Score({ value }) {
  if (value === null || value === undefined) return html`<span class="score none" title="The model gave no score">–</span>`;
  return html`
    <span class="score" title=${String(value)}>
      <span class="meter" aria-hidden="true"><span style=${{ width: `${value * 100}%` }}></span></span>${score(value)}
    </span>
  `;
}

const WORDS = { UNREVIEWED: "Unreviewed", ACCEPTED: "Accepted", REJECTED: "Rejected", CORRECTED: "Corrected" };

export const ReviewBadge = ({ state }) => html`<span class="badge" data-state=${state}>${WORDS[state] ?? state}</span>`;
export const FailedBadge = () => html`<span class="badge" data-state="FAILED">Failed</span>`;
export const Key = ({ children }) => html`<kbd>${children}</kbd>`;

/** A sentence about what went wrong, with a way out. */
export function Trouble({ error, onRetry }) {
  if (!error) return null;
  return html`
    <div class="trouble" role="alert">
      <p>${error.message}</p>
      ${onRetry && html`<button type="button" onClick=${onRetry}>Try again</button>`}
    </div>
  `;
}
