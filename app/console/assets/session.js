/** The session of this browser, for all pages; and the part of a page's bar in which one signs in and out. */
const url = `${import.meta.url.split("/assets/")[0]}/session`;
const parts = ["session", "signed-out", "key", "show", "signed-in", "who", "sign-out"];

/** Who is signed in, or null: `{account, scope, key_prefix}`. A TypeError where the server does not answer. */
export async function current() {
  const response = await fetch(url, { cache: "no-store" });
  if (response.ok) return response.json();
  await response.text(); // or the browser takes the request for one that still runs
  if (response.status >= 500) throw new TypeError("no answer");
  return null;
}

/** Without what comes along when a key is copied: spaces, invisible characters, "Bearer". */
export const tidy = (text) => text.trim().replace(/^bearer\s+/i, "").replace(/[^!-~]/g, "");

/** Who is signed in then. An Error with a sentence where the key is refused, a TypeError where the server does not answer. */
export async function signIn(text) {
  const init = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ key: tidy(text) }) };
  const response = await fetch(url, init);
  const answer = await response.json().catch(() => null);
  if (response.ok) return answer;
  const told = [answer?.error?.message, answer?.detail?.message, answer?.detail];
  throw new Error(told.find((sentence) => typeof sentence === "string") ?? `The server answered ${response.status}.`);
}

export const signOut = () => fetch(url, { method: "DELETE" });

/**
 * Fills the form `#session`. `changed` is told who is signed in, or null, at once and whenever that is another;
 * `refused` gets a sentence.
 */
export async function watchSession(changed, refused) {
  const [form, out, field, show, inside, who, leave] = parts.map((id) => document.getElementById(id));

  function set(session) {
    out.hidden = Boolean(session);
    inside.hidden = !session;
    who.textContent = session ? `${session.account} · ${session.scope}` : "";
    who.title = session ? `${session.key_prefix}…` : "";
    field.value = "";
    if (!session) field.focus();
    changed(session);
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    await signIn(field.value).then(set, (error) => refused(error.message));
  });

  leave.addEventListener("click", async () => {
    await signOut().then(() => set(null), () => refused("The server does not answer"));
  });

  show.addEventListener("click", () => {
    const shown = field.type === "password";
    field.type = shown ? "text" : "password";
    show.textContent = shown ? "Hide" : "Show";
    show.setAttribute("aria-pressed", shown);
  });

  set(await current().catch(() => null));
}
