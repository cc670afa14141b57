import { watchSession } from "./session.js";

const { GraphiQL, React, ReactDOM, graphqlWs } = window;
const EXAMPLES = ["newest", "search", "statistics", "create-export", "exports", "watch-export"];
const SIGNED_OUT = "Sign in with an API key to begin";
const url = location.href.split(/[?#]/)[0];
const status = document.getElementById("status");
let signedIn = false;

window.__webpack_nonce__ = document.querySelector("link[nonce]").nonce;

function say(text, mood) {
  status.textContent = status.title = text;
  status.dataset.mood = mood;
}

async function send(target, init) {
  const response = await fetch(target, init).catch((error) => {
    say("The server does not answer", "refused");
    throw error;
  });
  const refused = [401, 413, 429].includes(response.status) || response.status >= 500;
  const answer = refused ? await response.clone().json().catch(() => null) : null;
  if (refused) say(answer?.errors?.[0]?.message ?? `The server answered ${response.status}`, "refused");
  else say("Connected", "good");
  return response;
}

/** A client of graphql-ws, for the key of the headers editor or else the session, whose lost connection is an answer that can be read, too. */
function subscriptions(authorization) {
  const client = graphqlWs.createClient({
    url: url.replace(/^http/, "ws"),
    retryAttempts: 0,
    connectionParams: authorization ? { Authorization: authorization } : {},
    on: { connected: () => say("Connected", "good") },
  });
  const failed = (sink) => (reason) => {
    if (!Array.isArray(reason)) say(closing(reason), "refused");
    sink.next({ errors: Array.isArray(reason) ? reason : [{ message: closing(reason) }] });
    sink.complete();
  };
  return { subscribe: (params, sink) => client.subscribe(params, { ...sink, error: failed(sink) }) };
}

function closing({ code, reason }) {
  if (code === 4401 || code === 4403) return "The server refused this API key, or the session has ended";
  return reason || "The connection to the server was lost";
}

async function fetcher(params, options) {
  const headers = new Headers(options?.headers);
  const authorization = headers.get("Authorization");
  if (!authorization && !signedIn) {
    say(SIGNED_OUT, "waiting");
    return { errors: [{ message: SIGNED_OUT }] };
  }
  headers.set("Accept", "application/graphql-response+json, application/json;q=0.9");
  const wsClient = subscriptions(authorization);
  const ask = GraphiQL.createFetcher({ url, fetch: send, wsClient, enableIncrementalDelivery: false });
  return ask(params, { ...options, headers: Object.fromEntries(headers) });
}

async function example(name) {
  const response = await fetch(new URL(`examples/${name}.graphql`, import.meta.url));
  return { query: (await response.text()).trimEnd() };
}

const root = ReactDOM.createRoot(document.getElementById("graphiql"));
const storage = GraphiQL.createLocalStorage({ namespace: "sightlog" });
const defaultTabs = await Promise.all(EXAMPLES.map(example));
let connections = 0;

/** Starts GraphiQL anew, because it has asked for the schema before. */
function connect(session) {
  signedIn = Boolean(session);
  say(signedIn ? "" : SIGNED_OUT, "waiting");
  const props = { fetcher, defaultTabs, storage, showPersistHeadersSettings: false };
  root.render(React.createElement(GraphiQL, { ...props, key: ++connections }));
}

// GraphiQL previews an image under the pointer; the policy forbids those of other hosts.
function withoutForeignImages(event) {
  if (!event.target.matches(".result-window .cm-string")) return;
  const address = event.target.textContent.replaceAll('"', "").trim();
  if (URL.canParse(address) && new URL(address).origin !== location.origin) event.stopPropagation();
}

document.addEventListener("mouseover", withoutForeignImages, true);

watchSession(connect, (sentence) => say(sentence, "refused"));
