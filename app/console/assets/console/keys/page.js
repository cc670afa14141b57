import { allowance, ask } from "../client.js";
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
  const [revoking, setRevoking] = useState(null);
  const { returns } = useStore(connection);
  const limit = useStore(allowance)?.limit;
  async function load() {
    setError(null);
    try {
      setKeys((await ask(API_KEYS)).apiKeys);
    } catch (refused) {
      setError(refused);
    }
  }
  useEffect(() => {
    load();
  }, [returns]);
  async function revoke(prefix) {
    setRevoking(null);
    try {
      const { revokeApiKey } = await ask(REVOKE_API_KEY, { prefix });
      setKeys((known) => known.map((key) => (key.prefix === prefix ? revokeApiKey : key)));
      announce(`The key ${prefix} is revoked.`);
    } catch (refused) {
      setError(refused);
    }
  }
  return html`
    <div class="heading"><h1>API keys</h1><button class="primary" onClick=${() => setCreating(true)}>Create a key</button></div>
    <${Trouble} error=${error} onRetry=${load} />
    ${limit && html`<p class="faint">Yours may send ${count(limit)} requests a minute.</p>`}
    ${keys &&
    html`<div class="scroll"><table class="keys">
      <caption class="unseen">API keys</caption>
      <thead><tr><th>Key</th><th>Name</th><th>Scope</th><th>Created</th><th>Last used</th><th>Expires</th><th><span class="unseen">Actions</span></th></tr></thead>
      <tbody>${keys.map((key) => html`<${KeyRow} key=${key.prefix} apiKey=${key} own=${key.prefix === viewer.keyPrefix} onRevoke=${() => setRevoking(key)} />`)}</tbody>
    </table></div>`}
    ${creating && html`<${CreateKey} onCreated=${(key) => setKeys((known) => [key, ...(known ?? [])])} onClose=${() => setCreating(false)} />`}
    ${revoking &&
    html`<${Dialog} title="Revoke this key?" onClose=${() => setRevoking(null)}>
      <p>Whoever uses <code>${revoking.prefix}</code>${revoking.name && html` (<bdi>${revoking.name}</bdi>)`} is refused from now on, and its sessions end${revoking.prefix === viewer.keyPrefix && ": yours too"}. It cannot be given back.</p>
      <div class="actions"><button onClick=${() => setRevoking(null)}>Keep it</button><button class="danger" onClick=${() => revoke(revoking.prefix)}>Revoke</button></div>
    <//>`}
  `;
}

function KeyRow({ apiKey, own, onRevoke }) {
  const { prefix, name, scope, createdAt, expiresAt, lastUsedAt, active } = apiKey;
  const over = expiresAt && Date.parse(expiresAt) < Date.now();
  return html`
    <tr data-inactive=${active ? undefined : ""}>
      <td><code>${prefix}</code>${own && html` <span class="badge" data-state="OWN">yours</span>`}</td>
      <td dir="auto">${name ?? html`<span class="faint">–</span>`}</td>
      <td>${scope.toLowerCase()}</td>
      <td><${Time} at=${createdAt} print=${day} /></td>
      <td>${lastUsedAt ? html`<${Time} at=${lastUsedAt} print=${ago} />` : html`<span class="faint">never</span>`}</td>
      <td>${expiresAt ? html`<${Time} at=${expiresAt} print=${day} />` : html`<span class="faint">never</span>`}</td>
      <td class="end">${active && !over ? html`<button aria-label=${`Revoke ${prefix}`} onClick=${onRevoke}>Revoke</button>` : html`<span class="badge" data-state="CANCELLED">${active ? "Expired" : "Revoked"}</span>`}</td>
    </tr>
  `;
}
