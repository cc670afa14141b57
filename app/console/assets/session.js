/** The session of this browser, and the part of a page's bar in which one signs in and out. */
const url = `${import.meta.url.split("/assets/")[0]}/session`;
const parts = ["session", "signed-out", "key", "show", "signed-in", "who", "sign-out"];

/** Who is signed in, or null. */
async function current() {
  const response = await fetch(url, { cache: "no-store" });
  return response.ok ? response.json() : null;
}

/** Without what comes along when a key is copied: spaces, invisible characters, "Bearer". */
const tidy = (text) => text.trim().replace(/^bearer\s+/i, "").replace(/[^!-~]/g, "");

/** Who is signed in then. An Error with a sentence where the key is refused. */
async function signIn(text) {
  const init = { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ key: tidy(text) }) };
  const response = await fetch(url, init);
  const answer = await response.json();
  if (response.ok) return answer;
  throw new Error(answer.error?.message ?? answer.detail?.message ?? `The server answered ${response.status}`);
}

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
    await fetch(url, { method: "DELETE" }).then(() => set(null), () => refused("The server does not answer"));
  });

  show.addEventListener("click", () => {
    const shown = field.type === "password";
    field.type = shown ? "text" : "password";
    show.textContent = shown ? "Hide" : "Show";
    show.setAttribute("aria-pressed", shown);
  });

  set(await current().catch(() => null));
}
