import { html, render, useEffect, useState } from "./lib.js";
import { connection, lost, missed } from "./connection.js";
import { HistoryPage } from "./history/page.js";
import { Shell } from "./parts/shell.js";
import { SignInPage } from "./parts/signin.js";
import { follow, go, place } from "./router.js";
import { session, start } from "./session.js";
import { listen } from "./shortcuts.js";
import { useStore } from "./store.js";

const LATER = {
  exports: async () => (await import("./exports/page.js")).ExportsPage,
  keys: async () => (await import("./keys/page.js")).KeysPage,
  descriptions: async () => (await import("./result/page.js")).ResultPage,
};

/** A page that is loaded when it is first opened. */
function Later({ name, ...props }) {
  const [loaded, setLoaded] = useState({});
  const Page = loaded[name];
  const { returns } = useStore(connection);
  useEffect(() => {
    if (!Page) LATER[name]().then((page) => setLoaded((known) => ({ ...known, [name]: page })), missed);
  }, [name, returns]);
  return Page ? html`<${Page} ...${props} />` : html`<main id="main" aria-busy="true"></main>`;
}

function decoded(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

function Page() {
  const { path } = useStore(place);
  const { status } = useStore(session);
  if (status === "asking") return html`<main id="main" aria-busy="true"></main>`;
  if (status === "out") return html`<${SignInPage} />`;
  const [name] = path.split("/");
  if (name === "descriptions") {
    const id = decoded(path.slice(name.length + 1));
    return html`<${Later} name=${name} key=${id} id=${id} />`;
  }
  return name in LATER ? html`<${Later} name=${name} />` : html`<${HistoryPage} />`;
}

/** Asks who is signed in, again whenever the server came back before it told us. */
function begin() {
  const asked = () => session.get().status === "asking" && start().catch(lost);
  connection.subscribe(() => !connection.get().down && asked());
  asked();
}

/** A link that signs in was used before: the form says so, or, where somebody is signed in, a sentence. */
function tidyAddress() {
  if (session.get().status !== "in" || !place.get().search.includes("sign-in=")) return;
  const query = new URLSearchParams(place.get().search);
  query.delete("sign-in");
  go(`${place.get().path}${query.size ? `?${query}` : ""}`, { replace: true });
}

follow();
listen();
begin();
session.subscribe(tidyAddress);
const root = document.getElementById("console");
root.replaceChildren(); // what stands there for those who wait in vain, which Preact would leave below the page
render(html`<${Shell}><${Page} /><//>`, root);
