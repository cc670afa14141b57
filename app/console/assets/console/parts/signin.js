import { html, useEffect, useRef, useState } from "../lib.js";
import { place } from "../router.js";
import { session, signIn } from "../session.js";
import { useStore } from "../store.js";
import { Dialog } from "./dialog.js";

const EXPIRED = "That link has been used already, or its time is over. Sign in with an API key.";

/** The form that makes a session of an API key. The key is sent once, and kept nowhere in the browser. */
export function SignInForm({ reason }) {
  const [trouble, setTrouble] = useState("");
  const [busy, setBusy] = useState(false);
  const field = useRef(null);
  useEffect(() => field.current.focus(), []);
  async function submitted(event) {
    event.preventDefault();
    setBusy(true);
    setTrouble("");
    const refused = await signIn(field.current.value);
    if (refused) {
      setTrouble(refused);
      setBusy(false);
      field.current.select();
    }
  }
  return html`
    <form class="sign-in" onSubmit=${submitted} autocomplete="off">
      ${reason && html`<p class="reason" role="alert">${reason}</p>`}
      <label for="sign-in-key">API key</label>
      <input
        id="sign-in-key"
        ref=${field}
        type="password"
        placeholder="sightlog_…"
        autocomplete="off"
        autocapitalize="off"
        spellcheck=${false}
        aria-invalid=${Boolean(trouble)}
        aria-describedby="sign-in-trouble"
      />
      <p id="sign-in-trouble" class="refused" role="alert">${trouble}</p>
      <button type="submit" class="primary" disabled=${busy}>Sign in</button>
    </form>
  `;
}

export function SignInPage() {
  const { reason } = useStore(session);
  const expired = new URLSearchParams(place.get().search).get("sign-in") === "expired";
  useEffect(() => {
    document.title = "Sign in · Sightlog";
  }, []);
  return html`
    <main id="main" class="sign-in-page">
      <h1>Sign in</h1>
      <p class="faint">With a key of your account. <code>sightlog keys create</code> makes one; <code>make run</code> and <code>sightlog serve --demo</code> print a link that signs in by itself.</p>
      <${SignInForm} reason=${reason || (expired ? EXPIRED : "")} />
    </main>
  `;
}

/** Over the page, when its session has ended: what was typed stays where it is. */
export function SignInAgain() {
  const { status, reason } = useStore(session);
  if (status !== "ended") return null;
  return html`
    <${Dialog} title="Sign in again">
      <p class="faint">What you have typed is still here, and goes on once you are signed in.</p>
      <${SignInForm} reason=${reason} />
    <//>
  `;
}
