import { ask } from "../client.js";
import { REVIEW_MATCHING, REVIEW_RESULTS } from "../documents.js";
import { count, plural } from "../formats.js";
import { html, useState } from "../lib.js";
import { announce } from "../parts/announce.js";
import { Dialog } from "../parts/dialog.js";
import { Icon } from "../parts/icons.js";
import { Trouble } from "../parts/small.js";
import { given } from "../result/verdicts.js";
import { allows, session } from "../session.js";
import { useStateOf, useStore } from "../store.js";
import { filterOf } from "../view.js";

const DONE = { ACCEPTED: "accepted", REJECTED: "rejected" };

/** The verdict on all that match the view, after one more question; refused by the server if their number has changed. */
function AllMatching({ view, verdict, note, total, onClose, onDone, recount }) {
  const [asked] = useState(total); // whatever is counted meanwhile
  const [error, setError] = useState(null);
  const [busy, setBusy] = useState(false);
  async function confirm() {
    setBusy(true);
    setError(null);
    try {
      const { reviewMatching } = await ask(REVIEW_MATCHING, {
        filter: filterOf(view),
        expectedCount: asked,
        verdict,
        note: note || undefined,
      });
      onDone(reviewMatching.reviewed);
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  }
  function leave() {
    if (error?.code === "CONFLICT") recount();
    onClose();
  }
  const word = verdict === "ACCEPTED" ? "Accept" : "Reject";
  return html`
    <${Dialog} title=${`${word} all ${count(asked)} results?`} onClose=${busy ? undefined : leave}>
      <p>Every result that matches this view is marked as ${DONE[verdict]}, also those on other pages. Verdicts can be given anew, but none is taken back.</p>
      <${Trouble} error=${error} />
      <div class="actions">
        <button onClick=${leave} disabled=${busy}>Leave it</button>
        <button class="primary" onClick=${confirm} disabled=${busy}>${word} ${count(asked)}</button>
      </div>
    <//>
  `;
}

/** What is done with the selected results: some of this page, or, as a second step, all that match. */
export function Bulk({ view, rows, selected, setSelected, total, done }) {
  const { viewer } = useStore(session);
  const [all, setAll] = useStateOf(selected, false);
  const [note, setNote] = useState("");
  const [asked, setAsked] = useState("");
  const [error, setError] = useState(null);
  const wholePage = selected.size === rows.length;

  async function review(verdict) {
    if (all) return setAsked(verdict);
    setError(null);
    const ids = [...selected];
    try {
      await ask(REVIEW_RESULTS, { input: ids.map((descriptionId) => ({ descriptionId, verdict, note: note || undefined })) });
      finish(ids, verdict, ids.length);
    } catch (refused) {
      setError(refused);
    }
  }
  function finish(ids, verdict, number) {
    given(ids, verdict);
    announce(`${plural(number, "result")} ${DONE[verdict]}.`);
    setSelected(new Set());
  }
  function finishAll(number) {
    finish(rows.map(({ id }) => id), asked, number);
    done();
  }
  const may = allows(viewer, "write");
  const counting = all && total === undefined;
  return html`
    <div class="bulk" role="region" aria-label="Selected results">
      <span><strong>${all ? `All ${counting ? "…" : count(total)} matching` : `${count(selected.size)} here`}</strong> selected</span>
      ${!wholePage && !all && html`<button class="quiet" onClick=${() => setSelected(new Set(rows.map(({ id }) => id)))}>Select the page</button>`}
      ${wholePage && !all && total > rows.length && html`<button class="quiet" onClick=${() => setAll(true)}>Select all ${count(total)} matching</button>`}
      ${may
        ? html`<input aria-label="Note for all of them" placeholder="Note (optional)" value=${note} onInput=${(event) => setNote(event.target.value)} />
            <button disabled=${counting} onClick=${() => review("ACCEPTED")}><${Icon} name="check" />Accept</button>
            <button disabled=${counting} onClick=${() => review("REJECTED")}><${Icon} name="close" />Reject</button>`
        : html`<span class="faint">Your key may read only.</span>`}
      <button class="quiet" aria-label="Clear the selection" onClick=${() => setSelected(new Set())}><${Icon} name="close" /></button>
    </div>
    <${Trouble} error=${error} />
    ${asked && html`<${AllMatching} view=${view} verdict=${asked} note=${note} total=${total} onClose=${() => setAsked("")} onDone=${finishAll} recount=${done} />`}
  `;
}
