import { ask } from "../client.js";
import { connection } from "../connection.js";
import { EXPORTS } from "../documents.js";
import { plural } from "../formats.js";
import { html, useCallback, useEffect, useState } from "../lib.js";
import { address } from "../page.js";
import { Trouble } from "../parts/small.js";
import { useStore } from "../store.js";
import { ExportCard } from "./card.js";
import { useProgress } from "./watching.js";

const FIRST = 20;

/** The exports of the account, the newest first, as they get on. */
export function ExportsPage() {
  const [pages, setPages] = useState([]);
  const [live, setLive] = useState(new Map());
  const [error, setError] = useState(null);
  const { returns } = useStore(connection);

  async function load(before, after) {
    setError(null);
    try {
      const { exports } = await ask(EXPORTS, { first: FIRST, after });
      setPages([...before, { ...exports, readAt: Date.now() }]);
    } catch (refused) {
      setError(refused);
    }
  }
  useEffect(() => {
    document.title = "Exports · Sightlog";
    load([]);
  }, [returns]);

  const changed = useCallback((next) => setLive((known) => new Map(known).set(next.id, next)), []);
  const listed = pages
    .flatMap(({ nodes, readAt }) => nodes.map((node) => ({ readAt, ...node, ...live.get(node.id) })))
    .filter(({ gone }) => !gone);
  useProgress(listed, changed);
  const last = pages.at(-1);

  return html`
    <main id="main" class="narrow" tabindex="-1">
      <div class="heading"><h1>Exports</h1>${last && html`<span class="faint">${plural(last.totalCount, "export")}</span>`}</div>
      <${Trouble} error=${error} onRetry=${() => load([])} />
      ${last && !listed.length && html`<div class="nothing"><p>There are no exports yet.</p><p class="faint">Narrow the <a href=${address()}>history</a> to what you want, then choose Export. It goes on when you close the page.</p></div>`}
      <ul class="exports" aria-label="Exports">
        ${listed.map((row) => html`<${ExportCard} key=${row.id} row=${row} changed=${changed} />`)}
      </ul>
      ${last?.pageInfo.hasNextPage && html`<button onClick=${() => load(pages, last.pageInfo.endCursor)}>Earlier exports</button>`}
    </main>
  `;
}
