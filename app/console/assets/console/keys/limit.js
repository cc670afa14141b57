import { ask } from "../client.js";
import { LIMIT_API_KEY } from "../documents.js";
import { count, plural } from "../formats.js";
import { html, useState } from "../lib.js";
import { Dialog } from "../parts/dialog.js";
import { Trouble } from "../parts/small.js";

/** "500 requests a minute"; 0 is any number. */
export const rate = (limit) => (limit ? `${plural(limit, "request")} a minute` : "any number of requests");

/** Requests a minute; left empty, those of the account, and 0 where that has no limit. Read with `limitIn`. */
export function LimitField({ ofAccount, value }) {
  return html`
    <div class="field">
      <label for="key-limit">Requests a minute</label>
      <input id="key-limit" name="limit" type="number" inputmode="numeric" min="1" max=${ofAccount || undefined} step="1" value=${value} placeholder=${ofAccount ? count(ofAccount) : "No limit"} aria-describedby="key-limit-hint" />
      <p id="key-limit-hint" class="small faint">Left empty: ${rate(ofAccount)}, as every key of the account.</p>
    </div>
  `;
}

export const limitIn = (form) => (form.elements.limit.value ? Number(form.elements.limit.value) : null);

/** Gives a key a limit of its own, or takes it back. */
export function LimitKey({ apiKey, ofAccount, onLimited, onClose }) {
  const { prefix, name, requestsPerMinute } = apiKey;
  const exceeds = ofAccount > 0 && (requestsPerMinute === 0 || requestsPerMinute > ofAccount);
  const [busy, setBusy] = useState(false);
  const [error, setError] = useState(null);
  async function submitted(event) {
    event.preventDefault();
    setBusy(true);
    setError(null);
    try {
      const { limitApiKey } = await ask(LIMIT_API_KEY, { prefix, requestsPerMinute: limitIn(event.target) });
      onLimited(limitApiKey);
    } catch (refused) {
      setError(refused);
      setBusy(false);
    }
  }
  return html`
    <${Dialog} title="Limit this key" onClose=${onClose}>
      <p>How often <code>${prefix}</code>${name && html` (<bdi>${name}</bdi>)`} may ask, from its next request on.</p>
      ${exceeds && html`<p>The operator has given it ${rate(requestsPerMinute)}, more than the account has. What you save takes the place of that, and only the operator can give it again.</p>`}
      <form onSubmit=${submitted} autocomplete="off">
        <${LimitField} ofAccount=${ofAccount} value=${exceeds ? "" : (requestsPerMinute ?? "")} />
        <${Trouble} error=${error} />
        <div class="actions"><button type="button" onClick=${onClose}>Cancel</button><button type="submit" class="primary" disabled=${busy}>Save</button></div>
      </form>
    <//>
  `;
}
