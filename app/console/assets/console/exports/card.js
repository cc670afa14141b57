import { linkable } from "../addresses.js";
import { ask } from "../client.js";
import { CANCEL_EXPORT, DELETE_EXPORT, EXPORT_EVENTS, EXPORT_NOW, RETRY_EXPORT } from "../documents.js";
import { bytes, count, moment, plural } from "../formats.js";
import { html, useState } from "../lib.js";
import { CopyButton } from "../parts/copy.js";
import { Dialog } from "../parts/dialog.js";
import { Icon } from "../parts/icons.js";
import { Time, Trouble } from "../parts/small.js";
import { isActive } from "./watching.js";

const STATUS = { PENDING: "Waiting", PROCESSING: "Writing", COMPLETED: "Done", FAILED: "Failed", CANCELLED: "Cancelled" };
const PACKED = { NONE: "", GZIP: " · gzip", ZSTD: " · Zstandard" };
const FRESH = 50 * 60_000; // milliseconds that a link of one hour is surely good for

function Progress({ row }) {
  const { rowsWritten, rowsTotal } = row.progress;
  const told = rowsTotal === null ? `${count(rowsWritten)} rows` : `${count(rowsWritten)} of ${count(rowsTotal)} rows`;
  return html`
    <div class="progress-line">
      <progress max=${rowsTotal || 1} value=${rowsTotal === null ? undefined : rowsWritten} aria-label="Rows written"></progress>
      <span class="faint">${told}</span>
    </div>
  `;
}

function Receipt({ row }) {
  const { receipt, ledger } = row;
  const url = ledger && linkable(ledger.downloadUrl);
  if (!receipt) return null;
  return html`
    <dl class="receipt" aria-label="Receipt">
      <div><dt>Rows</dt><dd>${count(receipt.rows)}</dd></div>
      <div><dt>Size</dt><dd title=${plural(receipt.bytes, "byte")}>${bytes(receipt.bytes)}</dd></div>
      ${ledger && html`<div><dt>Left out</dt><dd>${count(ledger.rows)}${url && html` <a href=${url} download>which, and why</a>`}</dd></div>`}
      <div><dt>As of</dt><dd><${Time} at=${receipt.snapshotAt} /></dd></div>
      <div><dt>SHA-256</dt><dd><code class="hash" title=${receipt.sha256}>${receipt.sha256}</code><${CopyButton} text=${receipt.sha256} label="SHA-256" /></dd></div>
    </dl>
  `;
}

const EVENTS = { CREATED: "Ordered", STARTED: "Started", HANDED_BACK: "Handed back", COMPLETED: "Completed", FAILED: "Failed", CANCELLED: "Cancelled", RETRIED: "Ordered again", EXPIRED: "File removed", DELETED: "Deleted", ERASED: "Results erased" };

function Events({ row }) {
  const [events, setEvents] = useState(null);
  const [error, setError] = useState(null);
  async function toggled(event) {
    if (!event.target.open) return;
    setError(null);
    try {
      const data = await ask(EXPORT_EVENTS, { id: row.id });
      setEvents(data.export?.events ?? []);
    } catch (refused) {
      setError(refused);
    }
  }
  return html`
    <details class="events" onToggle=${toggled}>
      <summary>What happened</summary>
      <${Trouble} error=${error} />
      <ol>
        ${events?.map(
          ({ type, at, attempt, keyPrefix, message }) => html`
            <li><${Time} at=${at} /> <span>${EVENTS[type] ?? type}${attempt > 1 && `, attempt ${attempt}`}</span> <span class="faint">${keyPrefix ? html`by <code>${keyPrefix}</code>` : type === "ERASED" ? "by the operator" : "by a worker"}</span>${message && html` <span>${message}</span>`}</li>`,
        )}
      </ol>
    </details>
  `;
}

/** A link that is good for an hour is read anew when it is used later. */
function Download({ row, changed }) {
  const url = linkable(row.downloadUrl);
  if (!url) return null;
  async function fresh() {
    if (Date.now() - row.readAt < FRESH) return url;
    const { export: now } = await ask(EXPORT_NOW, { id: row.id });
    changed({ ...now, readAt: Date.now() });
    return linkable(now.downloadUrl);
  }
  async function clicked(event) {
    if (Date.now() - row.readAt < FRESH) return;
    event.preventDefault();
    const link = await fresh().catch(() => null);
    if (link) location.assign(link);
  }
  return html`
    <a class="button primary" href=${url} download onClick=${clicked}><${Icon} name="download" />Download</a>
    <${CopyButton} text=${fresh} label="download link">Copy download link<//>
  `;
}

function Deletion({ row, onDelete, onClose }) {
  return html`
    <${Dialog} title="Delete this export?" onClose=${onClose}>
      <p>Its file is removed, and links to it stop working. The results stay in the history.</p>
      <div class="actions"><button onClick=${onClose}>Keep it</button><button class="danger" onClick=${onDelete}>Delete</button></div>
    <//>
  `;
}

export function ExportCard({ row, changed }) {
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const [deleting, setDeleting] = useState(false);
  async function act(document, read) {
    setBusy(true);
    setError(null);
    try {
      changed({ ...read(await ask(document, { id: row.id })), readAt: Date.now() });
    } catch (refused) {
      setError(refused);
    }
    setBusy(false);
    setDeleting(false);
  }
  const title = `${row.format}${PACKED[row.compression]}`;
  return html`
    <li class="export-card" aria-label=${`Export ${title} of ${moment(row.createdAt)}`}>
      <div class="export-head">
        <strong>${title}</strong>
        <span class="badge" data-state=${row.status}>${row.expiredAt ? "File removed" : STATUS[row.status]}</span>
        <span class="faint"><${Time} at=${row.createdAt} /></span>
        ${row.recordCount !== null && !row.receipt && html`<span>${plural(row.recordCount, "row")}</span>`}
        <span class="gap"></span>
        <${Download} row=${row} changed=${changed} />
        ${isActive(row) && html`<button disabled=${busy} onClick=${() => act(CANCEL_EXPORT, (data) => data.cancelExport)}>Cancel</button>`}
        ${["FAILED", "CANCELLED"].includes(row.status) && html`<button disabled=${busy} onClick=${() => act(RETRY_EXPORT, (data) => data.retryExport)}><${Icon} name="retry" />Try again</button>`}
        <button class="quiet" aria-label="Delete" title="Delete" disabled=${busy} onClick=${() => setDeleting(true)}><${Icon} name="trash" /></button>
      </div>
      ${isActive(row) && html`<${Progress} row=${row} />`}
      ${row.errorMessage && html`<p class="refused">${row.errorMessage}</p>`}
      <${Receipt} row=${row} />
      <p class="faint small">${plural(row.fields.length, "column")}: <span class="names">${row.fields.join(", ")}</span></p>
      <${Trouble} error=${error} />
      <${Events} key=${row.status} row=${row} />
      ${deleting && html`<${Deletion} row=${row} onClose=${() => setDeleting(false)} onDelete=${() => act(DELETE_EXPORT, () => ({ id: row.id, gone: true }))} />`}
    </li>
  `;
}
