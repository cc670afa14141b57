import { linkable } from "../addresses.js";
import { useAnswer } from "../answers.js";
import { RESULT } from "../documents.js";
import { bytes, count } from "../formats.js";
import { html, useEffect, useState } from "../lib.js";
import { address } from "../page.js";
import { CopyButton } from "../parts/copy.js";
import { Picture } from "../parts/image.js";
import { FailedBadge, Marked, ReviewBadge, Score, Time, Trouble } from "../parts/small.js";
import { clip, EMPTY, write } from "../view.js";
import { Review } from "./review.js";
import { Reviews } from "./reviews.js";
import { Said } from "./said.js";
import { Tree } from "./tree.js";

const REST = 120; // milliseconds that a result is looked at before all of it is asked for
const LONG = 4000; // characters of a text that are shown at once

/** A text, whole on demand. */
export function LongText({ text, hits }) {
  const [whole, setWhole] = useState(false);
  const cut = text.length > LONG && !whole;
  return html`
    <p class="text" dir="auto"><${Marked} text=${cut ? text.slice(0, LONG) : text} hits=${text.length > 20 * LONG ? null : hits} />${cut && "…"}</p>
    ${cut && html`<button class="quiet more" onClick=${() => setWhole(true)}>Show all ${count(text.length)} characters</button>`}
  `;
}

/** All of one result. `row` is what the list knows of it, which is shown at once. */
export function Result({ id, row, hits, reviews, onReviewed, wide }) {
  const answer = useAnswer(RESULT, { id }, { after: row ? REST : 0 });
  const whole = answer.stale ? null : answer.data?.description;
  const result = whole ?? row;
  useEffect(() => {
    if (wide && result) document.title = `${clip(result.description ?? result.id)} · Sightlog`;
  }, [wide, result]);
  if (answer.error && !result) return html`<${Trouble} error=${answer.error} onRetry=${answer.reload} />`;
  if (!result) {
    if (answer.loading) return html`<div class="result" aria-busy="true"></div>`;
    return html`<div class="nothing"><p>This account has no result of the id <code>${clip(id, 200)}</code>.</p><a href=${address()}>To the history</a></div>`;
  }
  return html`
    <article class=${wide ? "result wide-result" : "result"}>
      <${Figure} result=${result} />
      <div class="result-body">
        ${result.status === "FAILED"
          ? html`<p class="text failed"><${FailedBadge} /> ${result.errorMessage ?? "The model gave no result."}</p>`
          : html`<div class="text-line"><${LongText} text=${result.description ?? ""} hits=${hits} /><${CopyButton} text=${result.description ?? ""} label="text" /></div>`}
        ${result.status !== "FAILED" && html`<${Review} result=${result} whole=${whole} reviews=${reviews} onReviewed=${onReviewed} reload=${answer.reload} />`}
        <${Trouble} error=${answer.error} onRetry=${answer.reload} />
        <${Facts} result=${result} />
        ${whole && html`<${Details} whole=${whole} />`}
        ${whole?.imageId && html`<${Said} id=${whole.id} imageId=${whole.imageId} />`}
      </div>
    </article>
  `;
}

function Figure({ result }) {
  const link = linkable(result.imageUrl);
  const picture = html`<${Picture} url=${result.imageUrl} alt=${`The image of result ${result.id}`} eager />`;
  return html`
    <figure class="large">
      ${link ? html`<a href=${link} target="_blank" rel="noreferrer noopener" title="Open the image">${picture}</a>` : picture}
    </figure>
  `;
}

function Fact({ name, value, copied, children }) {
  if (value === null || value === undefined || value === "") return null;
  return html`
    <dt>${name}</dt>
    <dd><span class="value" dir="auto" title=${String(value).length > 60 ? clip(String(value), 400) : undefined}>${children ?? clip(String(value), 200)}</span>
      ${copied !== false && html`<${CopyButton} text=${String(value)} label=${name.toLowerCase()} />`}</dd>
  `;
}

function Facts({ result }) {
  const find = (changes) => address(write({ ...EMPTY, ...changes }));
  return html`
    <dl class="facts">
      <${Fact} name="Score" value=${result.confidenceScore}><${Score} value=${result.confidenceScore} /><//>
      <${Fact} name="Review" value=${result.reviewState} copied=${false}><${ReviewBadge} state=${result.reviewState} /><//>
      <${Fact} name="Type" value=${result.type} copied=${false}><a href=${find({ types: [result.type] })}>${clip(result.type)}</a><//>
      <${Fact} name="Source" value=${result.sourceType} copied=${false}><a href=${find({ sources: [result.sourceType] })}>${clip(result.sourceType)}</a><//>
      <${Fact} name="Source ID" value=${result.sourceId}>${result.sourceId && html`<a href=${find({ sourceIds: [result.sourceId], failed: true })}>${clip(result.sourceId)}</a>`}<//>
      <${Fact} name="Time" value=${result.createdAt}><${Time} at=${result.createdAt} /><//>
      <${Fact} name="Image ID" value=${result.imageId}>${result.imageId && html`<a href=${find({ images: [result.imageId], failed: true })}>${clip(result.imageId)}</a>`}<//>
      <${Fact} name="Image URL" value=${result.imageUrl}>${shortUrl(result.imageUrl)}<//>
      <${Fact} name="ID" value=${result.id}><code>${result.id}</code><//>
    </dl>
  `;
}

const shortUrl = (url) => (url?.startsWith("data:") ? `data of ${bytes(url.length)}` : clip(url ?? "", 80));

function Details({ whole }) {
  const recorded = whole.verification && !("verdict" in Object(whole.verification) && "by" in Object(whole.verification));
  return html`
    <${Reviews} reviews=${whole.reviews} text=${whole.description} />
    ${recorded && html`<section><h2>Verification</h2><${Tree} value=${whole.verification} /></section>`}
    ${Object.keys(whole.metadata ?? {}).length > 0 &&
    html`<section>
      <h2>Metadata <${CopyButton} text=${JSON.stringify(whole.metadata, null, 2)} label="metadata" /></h2>
      <${Tree} value=${whole.metadata} finds />
    </section>`}
  `;
}
