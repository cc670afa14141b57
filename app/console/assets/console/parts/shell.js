import { allowance } from "../client.js";
import { connection } from "../connection.js";
import { count } from "../formats.js";
import { html, useEffect, useRef, useState } from "../lib.js";
import { address, assets, version } from "../page.js";
import { chooseTheme, theme } from "../preferences.js";
import { place } from "../router.js";
import { session, signOut } from "../session.js";
import { useShortcuts } from "../shortcuts.js";
import { useStore } from "../store.js";
import { Announcements } from "./announce.js";
import { Icon } from "./icons.js";
import { ShortcutSheet } from "./sheet.js";
import { SignInAgain } from "./signin.js";

const TABS = [
  ["", "History"],
  ["exports", "Exports"],
  ["keys", "Keys"],
  ["graphql", "GraphQL"],
  ["docs", "REST"],
];
const THEMES = { system: ["As the system", "system"], light: ["Light", "sun"], dark: ["Dark", "moon"] };

function Tabs() {
  const { path } = useStore(place);
  const here = path.startsWith("descriptions/") ? "" : path;
  return html`
    <nav aria-label="Pages">
      ${TABS.map(([target, label]) => html`<a href=${address(target)} aria-current=${target === here ? "page" : undefined}>${label}</a>`)}
    </nav>
  `;
}

function ThemeSwitch() {
  const chosen = useStore(theme);
  const [label, icon] = THEMES[chosen];
  const names = Object.keys(THEMES);
  const next = names[(names.indexOf(chosen) + 1) % names.length];
  return html`
    <button class="quiet" aria-label=${`Colours: ${label}. Change.`} title=${`Colours: ${label}`} onClick=${() => chooseTheme(next)}>
      <${Icon} name=${icon} />
    </button>
  `;
}

function AccountMenu({ viewer }) {
  const left = useStore(allowance);
  const details = useRef(null);
  useEffect(() => {
    const elsewhere = (event) => details.current.contains(event.target) || details.current.removeAttribute("open");
    function escaped(event) {
      if (event.key !== "Escape" || !details.current.open) return;
      if (details.current.contains(document.activeElement)) details.current.firstElementChild.focus();
      details.current.removeAttribute("open");
    }
    document.addEventListener("click", elsewhere);
    document.addEventListener("keydown", escaped);
    return () => {
      document.removeEventListener("click", elsewhere);
      document.removeEventListener("keydown", escaped);
    };
  }, []);
  return html`
    <details class="menu" ref=${details}>
      <summary aria-label=${`Account ${viewer.account}`}>${viewer.account}<${Icon} name="down" /></summary>
      <div class="menu-body">
        <dl class="facts">
          <dt>Key</dt><dd><code>${viewer.keyPrefix}</code></dd>
          <dt>Scope</dt><dd>${viewer.scope}</dd>
          ${left && html`<dt>Requests</dt><dd>${count(left.remaining)} of ${count(left.limit)} left this minute</dd>`}
          ${version && html`<dt>Sightlog</dt><dd>${version}</dd>`}
        </dl>
        <button onClick=${signOut}>Sign out</button>
      </div>
    </details>
  `;
}

function ConnectionBar() {
  const { down, renewed } = useStore(connection);
  const text = down
    ? "The server does not answer. What you see stays; we look for it every few seconds."
    : renewed && html`Sightlog was upgraded while this page was open. <button onClick=${() => location.reload()}>Load the page again</button>`;
  return html`<div class="connection" role="status">${text}</div>`;
}

/** What is around every page. */
export function Shell({ children }) {
  const { viewer } = useStore(session);
  const [sheet, setSheet] = useState(false);
  useShortcuts({ "?": () => setSheet(true) });
  return html`
    <a class="skip" href="#main">Skip to the content</a>
    <header class="bar">
      <a class="brand" href=${address()}><img src=${`${assets}favicon.svg`} alt="" width="22" height="22" />Sightlog</a>
      <${Tabs} />
      <div class="tools">
        <${ThemeSwitch} />
        <button class="quiet" aria-label="Keyboard shortcuts" title="Keyboard shortcuts (?)" onClick=${() => setSheet(true)}><kbd>?</kbd></button>
        ${viewer && html`<${AccountMenu} viewer=${viewer} />`}
      </div>
    </header>
    <${ConnectionBar} />
    ${children}
    ${sheet && html`<${ShortcutSheet} onClose=${() => setSheet(false)} />`}
    <${SignInAgain} />
    <${Announcements} />
  `;
}
