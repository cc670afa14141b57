import { useAnswer } from "../answers.js";
import { ask } from "../client.js";
import { SAID_OF_IMAGE } from "../documents.js";
import { count, day } from "../formats.js";
import { html, useState } from "../lib.js";
import { linkTo } from "../history/table.js";
import { FailedBadge, ReviewBadge, Score, Time, Trouble } from "../parts/small.js";
import { clip } from "../view.js";
import { Changes } from "./changes.js";

const FIRST = 20;

/** What was said before about the same, by a result of the same type. */
const earlierOf = (nodes, index) =>
  nodes.slice(index + 1).find(({ type, description }) => type === nodes[index].type && description !== null)?.description;

/** All that was ever said of an image, the newest first, with the words that changed since the time before. */
export function Said({ id, imageId }) {
  const answer = useAnswer(SAID_OF_IMAGE, { id: imageId, first: FIRST });
  const [further, setFurther] = useState([]);
  const [error, setError] = useState(null);
  const image = answer.stale ? null : answer.data?.image;
  if (answer.error) return html`<${Trouble} error=${answer.error} onRetry=${answer.reload} />`;
  if (!image) return null;
  const last = further.at(-1) ?? image.descriptions;
  const nodes = [image.descriptions, ...further].flatMap((part) => part.nodes);
  async function more() {
    setError(null);
    try {
      const data = await ask(SAID_OF_IMAGE, { id: imageId, first: FIRST, after: last.pageInfo.endCursor });
      setFurther([...further, data.image.descriptions]);
    } catch (refused) {
      setError(refused);
    }
  }
  return html`
    <section>
      <h2>Said of this image</h2>
      <p class="faint small">
        ${count(image.descriptions.totalCount)} ${image.descriptions.totalCount === 1 ? "result" : "results"},
        ${day(image.firstSeenAt) === day(image.lastSeenAt) ? ` on ${day(image.firstSeenAt)}` : ` from ${day(image.firstSeenAt)} to ${day(image.lastSeenAt)}`}${image.agreement !== null && ` · the texts agree by ${Math.round(image.agreement * 100)} %`}
      </p>
      <ol class="said-list">
        ${nodes.map(
          (node, index) => html`
            <li key=${node.id} aria-current=${node.id === id ? "true" : undefined}>
              <div class="meta-line">
                <a href=${linkTo(node.id)}><${Time} at=${node.createdAt} /></a>
                <span>${clip(node.type, 30)}</span>
                ${typeof node.metadata?.model === "string" && html`<span dir="auto">${clip(node.metadata.model, 40)}</span>`}
                <${Score} value=${node.confidenceScore} />
                ${node.status === "FAILED" ? html`<${FailedBadge} />` : node.reviewState !== "UNREVIEWED" && html`<${ReviewBadge} state=${node.reviewState} />`}
              </div>
              <p dir="auto">${node.description === null ? html`<span class="faint">${node.errorMessage}</span>` : html`<${Changes} earlier=${earlierOf(nodes, index)} later=${node.description} />`}</p>
            </li>`,
        )}
      </ol>
      <${Trouble} error=${error} />
      ${last.pageInfo.hasNextPage && html`<button class="quiet more" onClick=${more}>Earlier ones</button>`}
    </section>
  `;
}
