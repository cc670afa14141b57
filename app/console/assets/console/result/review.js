import { forget } from "../answers.js";
import { ask } from "../client.js";
import { PAGE_OF_RESULTS, RESULT, REVIEW_RESULTS } from "../documents.js";
import { count } from "../formats.js";
import { drawNow, html, useId, useLayoutEffect, useRef, useState } from "../lib.js";
import { announce } from "../parts/announce.js";
import { Icon } from "../parts/icons.js";
import { Key, ReviewBadge, Trouble } from "../parts/small.js";
import { allows, session } from "../session.js";
import { useShortcuts } from "../shortcuts.js";
import { useStore } from "../store.js";
import { drafts, given } from "./verdicts.js";

const DONE = { ACCEPTED: "Accepted.", REJECTED: "Rejected.", CORRECTED: "Corrected." };

/** What is being written about a result: `{text, note}`, each undefined while its field is closed. */
function useDraft(id) {
  const [draft, setDraft] = useState(drafts.get(id) ?? {});
  function change(changes) {
    const next = { ...draft, ...changes };
    if (next.text === undefined && next.note === undefined) drafts.delete(id);
    else drafts.set(id, next);
    setDraft(next);
  }
  return [draft, change];
}

/** Accept, reject, correct, note; then the next one comes. What is typed stays until it is saved or given up. */
export function Review({ result, whole, reviews, onReviewed, reload }) {
  const { viewer } = useStore(session);
  const [draft, change] = useDraft(result.id);
  const [busy, setBusy] = useState("");
  const [error, setError] = useState(null);
  const [asked, setAsked] = useState({ text: 0, note: 0 }); // how often each field was asked for, to give it the focus
  const buttons = { text: useRef(null), note: useRef(null) };
  const may = allows(viewer, "write");

  async function give(verdict, text) {
    if (busy) return;
    setBusy(verdict);
    setError(null);
    const note = draft.note?.trim() || undefined;
    try {
      await ask(REVIEW_RESULTS, { input: [{ descriptionId: result.id, verdict, text, note }] });
    } catch (refused) {
      setBusy("");
      setError(refused);
      return;
    }
    drafts.delete(result.id);
    given([result.id], verdict);
    forget(RESULT);
    announce(DONE[verdict], { mood: verdict });
    setBusy("");
    if (onReviewed) onReviewed();
    else {
      change({ text: undefined, note: undefined });
      forget(PAGE_OF_RESULTS);
      reload();
    }
  }
  function write(changes, field) {
    drawNow(() => change(changes));
    drawNow(() => setAsked({ ...asked, [field]: asked[field] + 1 }));
  }
  function leave(field) {
    change({ [field]: undefined });
    buttons[field].current.focus();
  }
  const correct = () => write({ text: draft.text ?? latestText(whole) ?? result.description ?? "" }, "text");
  const note = () => write({ note: draft.note ?? "" }, "note");
  useShortcuts(may ? { a: () => give("ACCEPTED"), r: () => give("REJECTED"), e: correct, n: note } : {});

  if (!may) return viewer && html`<p class="faint small">Your key may read only; a key with the scope <code>write</code> may review.</p>`;
  return html`
    <section class="review" aria-label="Review">
      <${Progress} reviews=${reviews} state=${result.reviewState} />
      ${draft.text !== undefined &&
      html`<${Writing} label="Correct text" asked=${asked.text} value=${draft.text} busy=${busy} save="Save the correction"
        onInput=${(text) => change({ text })} onSave=${() => give("CORRECTED", draft.text)} onLeave=${() => leave("text")}
        off=${!draft.text.trim() || draft.text === result.description} />`}
      ${draft.note !== undefined &&
      html`<${Writing} label="Note" asked=${asked.note} value=${draft.note} hint="It goes with your verdict." onInput=${(text) => change({ note: text })} onLeave=${() => leave("note")} />`}
      <div class="verdicts">
        <button class="verdict" data-state="ACCEPTED" aria-disabled=${Boolean(busy)} aria-pressed=${result.reviewState === "ACCEPTED"} onClick=${() => give("ACCEPTED")}><${Icon} name="check" />Accept<${Key}>A<//></button>
        <button class="verdict" data-state="REJECTED" aria-disabled=${Boolean(busy)} aria-pressed=${result.reviewState === "REJECTED"} onClick=${() => give("REJECTED")}><${Icon} name="close" />Reject<${Key}>R<//></button>
        <button ref=${buttons.text} class="verdict" data-state="CORRECTED" aria-disabled=${Boolean(busy)} aria-pressed=${result.reviewState === "CORRECTED"} onClick=${correct}><${Icon} name="edit" />Correct<${Key}>E<//></button>
        <button ref=${buttons.note} class="verdict" aria-disabled=${Boolean(busy)} onClick=${note}><${Icon} name="note" />Note<${Key}>N<//></button>
      </div>
      <${Trouble} error=${error} />
    </section>
  `;
}

const latestText = (whole) => whole?.reviews.find(({ verdict }) => verdict === "CORRECTED")?.text;

function Progress({ reviews, state }) {
  const counts = new Map(reviews?.reviewCounts.map(({ state: name, count: number }) => [name, number]));
  const total = [...counts.values()].reduce((sum, number) => sum + number, 0);
  const done = total - (counts.get("UNREVIEWED") ?? 0);
  return html`
    <div class="progress-line">
      <${ReviewBadge} state=${state} />
      ${total > 0 && html`<progress max=${total} value=${done} aria-label="Reviewed"></progress><span class="faint small">${count(done)} of ${count(total)}</span>`}
    </div>
  `;
}

/** A field for a correction or a note. Ctrl+Enter saves, Esc gives the focus back to the page; what is typed stays. */
function Writing({ label, asked, value, hint, save, busy, off, onInput, onSave, onLeave }) {
  const id = useId();
  const field = useRef(null);
  useLayoutEffect(() => {
    if (!asked) return;
    field.current.focus();
    field.current.setSelectionRange(value.length, value.length);
  }, [asked]);
  function key(event) {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      if (onSave && !off) onSave();
    }
    if (event.key === "Escape") {
      event.stopPropagation();
      field.current.blur();
    }
  }
  return html`
    <div class="writing">
      <label for=${id}>${label}</label>
      <textarea id=${id} ref=${field} dir="auto" rows=${label === "Note" ? 2 : 4} value=${value} onInput=${(event) => onInput(event.target.value)} onKeyDown=${key}></textarea>
      <div class="actions">
        ${hint && html`<span class="faint small">${hint}</span>`}
        <button type="button" onClick=${onLeave}>Discard</button>
        ${onSave && html`<button type="button" class="primary" disabled=${off} aria-disabled=${Boolean(busy)} onClick=${onSave}>${save}<${Key}>Ctrl ↵<//></button>`}
      </div>
    </div>
  `;
}
