import { useAnswer } from "../answers.js";
import { ask } from "../client.js";
import { CREATE_EXPORT, PLAN_EXPORT } from "../documents.js";
import { bytes, count, plural } from "../formats.js";
import { html, useId, useRef, useState } from "../lib.js";
import { announce } from "../parts/announce.js";
import { Dialog } from "../parts/dialog.js";
import { Trouble } from "../parts/small.js";
import { address } from "../page.js";
import { allows, session } from "../session.js";
import { useStore } from "../store.js";
import { chipsOf, clip, filterOf } from "../view.js";

const FORMATS = {
  CSV: "CSV, for databases and pandas",
  XLSX: "Excel, a sheet of typed cells",
  EXCEL: "Excel as CSV, where no text runs as a formula",
  JSONL: "JSON lines, one object a line",
  JSON: "JSON, one array",
  PARQUET: "Parquet, with types, for DuckDB and pandas",
  IMAGEFOLDER: "ImageFolder, a training set as a Zip",
};
const PACKED = ["PARQUET", "XLSX", "IMAGEFOLDER"]; // compressed as they are
const COMPRESSIONS = { NONE: "None", GZIP: "gzip", ZSTD: "Zstandard" };
const COLUMNS =
  "id type source_type source_id created_at image_url description confidence_score verification image_id metadata".split(" ");
const OF_FAILED = ["status", "error_message"];
const MOST = 100_000; // rows, for a key without the scope `admin`

/** A key of this export, so that sending it twice starts it once; `randomUUID` is only there over https. */
const newKey = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (word) => word.toString(16)).join("");

function Choices({ legend, name, options, value, onChange, disabled }) {
  return html`
    <fieldset disabled=${disabled}>
      <legend>${legend}</legend>
      ${Object.entries(options).map(
        ([key, label]) => html`<label class="choice"><input type="radio" name=${name} value=${key} checked=${key === value} onChange=${() => onChange(key)} />${label}</label>`,
      )}
    </fieldset>
  `;
}

function Columns({ all, chosen, onChange }) {
  const toggle = (name) => onChange(all.filter((other) => (other === name) !== chosen.includes(other)));
  return html`
    <fieldset>
      <legend>Columns</legend>
      <div class="columns">
        ${all.map((name) => html`<label class="choice"><input type="checkbox" checked=${chosen.includes(name)} onChange=${() => toggle(name)} /><code>${name}</code></label>`)}
      </div>
    </fieldset>
  `;
}

/** Keys of the metadata between commas, as columns that are called as they are, unless a column has that name. */
const columnsOf = (keys, others) =>
  keys
    .split(",")
    .map((key) => key.trim())
    .filter(Boolean)
    .map((key) => ({ name: `metadata.${key}`, ...(!others.includes(key) && { as: key }) }));

/** What goes into a training set besides its lines. */
function Pictures({ images, texts, onChange }) {
  return html`
    <fieldset>
      <legend>Training set</legend>
      <label class="choice"><input type="checkbox" checked=${images} onChange=${() => onChange({ images: !images, texts: false })} />With the images, fetched from their addresses</label>
      <label class="choice"><input type="checkbox" checked=${texts} disabled=${!images} onChange=${() => onChange({ images, texts: !texts })} />A text file beside each image</label>
    </fieldset>
  `;
}

/** About how large the file is, and when it is there. */
function Plan({ input }) {
  const { data } = useAnswer(PLAN_EXPORT, { input }, { after: 200 });
  const plan = data?.planExport;
  if (!plan?.bytes) return html`<p class="faint">&nbsp;</p>`;
  return html`<p class="faint">About ${bytes(plan.bytes.value)}, in ${plural(Math.max(1, Math.round(plan.seconds.value)), "second")}.</p>`;
}

/**
 * Starts an export of what the view shows. `seen` says what that was, where it is known: if the history has changed since,
 * whoever asks is told, and may go on.
 */
export function ExportDialog({ view, total, seen, onClose }) {
  const { viewer } = useStore(session);
  const all = view.failed ? [...COLUMNS, ...OF_FAILED] : COLUMNS;
  const [format, setFormat] = useState("CSV");
  const [compression, setCompression] = useState("NONE");
  const [columns, setColumns] = useState(all);
  const [pictures, setPictures] = useState({ images: false, texts: false });
  const [keys, setKeys] = useState("");
  const sent = useRef({});
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  const described = useId();
  const chips = chipsOf(view);
  const isPacked = PACKED.includes(format);
  const tooMany = total > MOST && !allows(viewer, "admin");
  const drifted = error?.code === "DRIFTED";
  const added = format === "IMAGEFOLDER" ? [] : columnsOf(keys, columns);
  const input = { format, includeMetadata: columns.includes("metadata") };
  if (format === "EXCEL") Object.assign(input, { format: "CSV", dialect: "EXCEL" });
  if (!isPacked) input.compression = compression;
  if (format === "IMAGEFOLDER") Object.assign(input, pictures);
  Object.assign(input, seen ? { view: seen } : { filter: filterOf(view) });
  if (added.length) input.columns = [...columns.map((name) => ({ name })), ...added];
  else if (columns.length < all.length) input.fields = columns;
  if (tooMany) input.limit = MOST;

  async function submitted(event) {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const asked = drifted ? { ...input, allowDrift: true } : input;
      const text = JSON.stringify(asked);
      if (sent.current.text !== text) sent.current = { text, key: newKey() };
      await ask(CREATE_EXPORT, { input: asked, idempotencyKey: sent.current.key });
      announce("The export has started.", { link: { href: address("exports"), text: "See exports" } });
      onClose();
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  }
  return html`
    <${Dialog} title="Export what you see" onClose=${onClose} wide>
      <form onSubmit=${submitted}>
        <p id=${described}>
          <strong>${total === undefined ? "All" : count(tooMany ? MOST : total)}</strong> ${tooMany ? `of ${count(total)} results: the newest, as your key may export no more` : total === 1 ? "result" : "results"}${chips.length ? ", as the view narrows them:" : ", the whole history."}
        </p>
        ${chips.length > 0 && html`<ul class="chips">${chips.map(({ label, value }) => html`<li><span class="chip"><span class="faint">${label}</span> <bdi>${clip(value)}</bdi></span></li>`)}</ul>`}
        <div class="two">
          <${Choices} legend="Format" name="format" options=${FORMATS} value=${format} onChange=${setFormat} />
          ${format === "IMAGEFOLDER" && allows(viewer, "write")
            ? html`<${Pictures} ...${pictures} onChange=${setPictures} />`
            : html`<${Choices} legend=${isPacked ? "Compression: in the file itself" : "Compression"} name="compression" options=${COMPRESSIONS} value=${isPacked ? "NONE" : compression} onChange=${setCompression} disabled=${isPacked} />`}
        </div>
        <${Columns} all=${all} chosen=${columns} onChange=${setColumns} />
        ${format !== "IMAGEFOLDER" && html`<label class="field">Keys of the metadata as columns, with commas<input value=${keys} placeholder="model, prompt.version" onInput=${(event) => setKeys(event.target.value)} /></label>`}
        ${columns.length > 0 && html`<${Plan} input=${input} />`}
        <${Trouble} error=${error} />
        <div class="actions">
          <button type="button" onClick=${onClose}>Cancel</button>
          <button type="submit" class="primary" disabled=${busy || !(columns.length || added.length)} aria-describedby=${described}>${drifted ? "Export what matches now" : "Start the export"}</button>
        </div>
      </form>
    <//>
  `;
}
