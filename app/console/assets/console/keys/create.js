import { ask } from "../client.js";
import { CREATE_API_KEY } from "../documents.js";
import { html, useState } from "../lib.js";
import { CopyButton } from "../parts/copy.js";
import { Dialog } from "../parts/dialog.js";
import { Trouble } from "../parts/small.js";
import { LimitField, limitIn } from "./limit.js";

const SCOPES = { READ: "read: see, search and export", WRITE: "write: record and review too", ADMIN: "admin: manage keys too" };
const LIFETIMES = [["", "Never"], [7, "7 days"], [30, "30 days"], [90, "90 days"], [365, "One year"]];

/** Makes a key, and shows it this once. */
export function CreateKey({ ofAccount, onCreated, onClose }) {
  const [made, setMade] = useState(null);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  async function submitted(event) {
    event.preventDefault();
    setBusy(true);
    setError(null);
    const { name, scope, lifetime } = event.target.elements;
    const input = { scope: scope.value, requestsPerMinute: limitIn(event.target) };
    if (name.value.trim()) input.name = name.value.trim();
    if (lifetime.value) input.expiresInDays = Number(lifetime.value);
    try {
      const { createApiKey } = await ask(CREATE_API_KEY, { input });
      setMade(createApiKey.key);
      onCreated(createApiKey.apiKey);
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  }
  if (made) {
    return html`
      <${Dialog} key="made" title="Your new key">
        <p>This is the only time that it is shown: copy it to where it is needed.</p>
        <p class="new-key"><code aria-label="New key">${made}</code><${CopyButton} text=${made} label="key" /></p>
        <div class="actions"><button class="primary" onClick=${onClose}>I have copied it</button></div>
      <//>
    `;
  }
  return html`
    <${Dialog} key="form" title="Create a key" onClose=${onClose}>
      <form onSubmit=${submitted} autocomplete="off">
        <div class="field"><label for="key-name">Name</label><input id="key-name" name="name" maxlength="100" placeholder="What it is for" /></div>
        <div class="field"><label for="key-scope">Scope</label><select id="key-scope" name="scope">${Object.entries(SCOPES).map(([scope, label]) => html`<option value=${scope}>${label}</option>`)}</select></div>
        <div class="field"><label for="key-lifetime">Expires</label><select id="key-lifetime" name="lifetime">${LIFETIMES.map(([days, label]) => html`<option value=${days}>${label}</option>`)}</select></div>
        <${LimitField} ofAccount=${ofAccount} value="" />
        <${Trouble} error=${error} />
        <div class="actions"><button type="button" onClick=${onClose}>Cancel</button><button type="submit" class="primary" disabled=${busy}>Create</button></div>
      </form>
    <//>
  `;
}
