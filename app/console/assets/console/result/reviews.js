import { html } from "../lib.js";
import { ReviewBadge, Time } from "../parts/small.js";
import { Changes } from "./changes.js";

/** Every verdict on a result, the newest first; a correction shows which words it changed. */
export function Reviews({ reviews, text }) {
  if (!reviews?.length) return null;
  return html`
    <section>
      <h2>Reviews</h2>
      <ol class="reviews">
        ${reviews.map(
          (review) => html`
            <li key=${review.id}>
              <div class="meta-line"><${ReviewBadge} state=${review.verdict} /><${Time} at=${review.at} /><code class="faint">${review.by}</code></div>
              ${review.text && html`<p dir="auto"><${Changes} earlier=${text} later=${review.text} /></p>`}
              ${review.note && html`<p class="note" dir="auto">${review.note}</p>`}
            </li>`,
        )}
      </ol>
    </section>
  `;
}
