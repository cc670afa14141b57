import { ask } from "../client.js";
import { API_KEYS, REVOKE_API_KEY } from "../documents.js";
import { connection } from "../connection.js";
import { ago, count, day } from "../formats.js";
import { html, useEffect, useState } from "../lib.js";
import { announce } from "../parts/announce.js";
import { Dialog } from "../parts/dialog.js";
import { Time, Trouble } from "../parts/small.js";
import { allows, session } from "../session.js";
import { useStore } from "../store.js";
import { CreateKey } from "./create.js";
import { LimitKey, rate } from "./limit.js";

/** The keys of the account, for who has the scope `admin`. */
export function KeysPage() {
  const { viewer } = useStore(session);
  useEffect(() => {
    document.title = "Keys · Sightlog";
  }, []);
  return html`
    <main id="main" class="narrow" tabindex="-1">
      ${!viewer ? html`<h1>API keys</h1>` : allows(viewer, "admin") ? html`<${Keys} viewer=${viewer} />` : html`<h1>API keys</h1><${NotAllowed} viewer=${viewer} />`}
    </main>
  `;
}

const NotAllowed = ({ viewer }) => html`
  <p>You are signed in with <code>${viewer.keyPrefix}</code>, whose scope is <code>${viewer.scope}</code>. Keys are managed with one of the scope <code>admin</code>: sign out, and in again with such a key, or use <code>sightlog keys</code> on the server.</p>
`;

function Keys({ viewer }) {
  const [keys, setKeys] = useState(null);
  const [error, setError] = useState(null);
  const [creating, setCreating] = useState(false);
  const [limiting, setLimiting] = useState(null);
  const [revoking, setRevoking] = useState(null);
  const [ofAccount, setOfAccount] = useState(0);
  const { returns } = useStore(connection);
  async function load() {
    setError(null);
    try {
      const { apiKeys, viewer: seen } = await ask(API_KEYS);
      setKeys(apiKeys);
      setOfAccount(seen.accountRequestsPerMinute);
    } catch (refused) {
      setError(refused);
    }
  }
  useEffect(() => {
    load();
  }, [returns]);
  const changed = (changedKey) => setKeys((known) => known.map((key) => (key.prefix === changedKey.prefix ? changedKey : key)));
  function limited(key) {
    setLimiting(null);
    changed(key);
    announce(`The key ${key.prefix} may send ${rate(key.requestsPerMinute ?? ofAccount)}.`);
  }
  async function revoke(prefix) {
    setRevoking(null);
    try {
      const { revokeApiKey } = await ask(REVOKE_API_KEY, { prefix });
      changed(revokeApiKey);
      announce(`The key ${prefix} is revoked.`);
    } catch (refused) {
      setError(refused);
    }
  }
  return html`
    <div class="heading"><h1>API keys</h1><button class="primary" onClick=${() => setCreating(true)}>Create a key</button></div>
    <${Trouble} error=${error} onRetry=${load} />
    ${keys &&
    html`<p class="faint">A key may send ${rate(ofAccount)}, unless it has a limit of its own.</p>
    <div class="scroll"><table class="keys">
      <caption class="unseen">API keys</caption>
      <thead><tr><th>Key</th><th>Name</th><th>Scope</th><th>Created</th><th>Last used</th><th>Expires</th><th>Limit</th><th><span class="unseen">Actions</span></th></tr></thead>
      <tbody>${keys.map((key) => html`<${KeyRow} key=${key.prefix} apiKey=${key} own=${key.prefix === viewer.keyPrefix} ofAccount=${ofAccount} onLimit=${() => setLimiting(key)} onRevoke=${() => setRevoking(key)} />`)}</tbody>
    </table></div>`}
    ${creating && html`<${CreateKey} ofAccount=${ofAccount} onCreated=${(key) => setKeys((known) => [key, ...(known ?? [])])} onClose=${() => setCreating(false)} />`}
    ${limiting && html`<${LimitKey} apiKey=${limiting} ofAccount=${ofAccount} onLimited=${limited} onClose=${() => setLimiting(null)} />`}
    ${revoking &&
    html`<${Dialog} title="Revoke this key?" onClose=${() => setRevoking(null)}>
      <p>Whoever uses <code>${revoking.prefix}</code>${revoking.name && html` (<bdi>${revoking.name}</bdi>)`} is refused from now on, and its sessions end${revoking.prefix === viewer.keyPrefix && ": yours too"}. It cannot be given back.</p>
      <div class="actions"><button onClick=${() => setRevoking(null)}>Keep it</button><button class="danger" onClick=${() => revoke(revoking.prefix)}>Revoke</button></div>
    <//>`}
  `;
}

function KeyRow({ apiKey, own, ofAccount, onLimit, onRevoke }) {
  const { prefix, name, scope, createdAt, expiresAt, lastUsedAt, active, requestsPerMinute } = apiKey;
  const over = expiresAt && Date.parse(expiresAt) < Date.now();
  const works = active && !over;
  const limit = requestsPerMinute ?? ofAccount;
  const told = limit ? `${count(limit)}/min` : "none";
  return html`
    <tr data-inactive=${active ? undefined : ""}>
      <td><code>${prefix}</code>${own && html` <span class="badge" data-state="OWN">yours</span>`}</td>
      <td dir="auto">${name ?? html`<span class="faint">–</span>`}</td>
      <td data-name="scope">${scope.toLowerCase()}</td>
      <td data-name="created"><${Time} at=${createdAt} print=${day} /></td>
      <td data-name="used">${lastUsedAt ? html`<${Time} at=${lastUsedAt} print=${ago} />` : html`<span class="faint">never</span>`}</td>
      <td data-name="expires">${expiresAt ? html`<${Time} at=${expiresAt} print=${day} />` : html`<span class="faint">never</span>`}</td>
      <td data-name="limit">${requestsPerMinute === null ? html`<span class="faint">${told}</span>` : told}${works && html` <button class="quiet more" aria-label=${`Change the limit of ${prefix}`} onClick=${onLimit}>Change</button>`}</td>
      <td class="end">${works ? html`<button aria-label=${`Revoke ${prefix}`} onClick=${onRevoke}>Revoke</button>` : html`<span class="badge" data-state="CANCELLED">${active ? "Expired" : "Revoked"}</span>`}</td>
    </tr>
  `;
}
