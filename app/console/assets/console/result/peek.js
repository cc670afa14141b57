import { count } from "../formats.js";
import { html, useEffect, useLayoutEffect, useRef } from "../lib.js";
import { lastOpening, linkTo } from "../history/table.js";
import { whisper } from "../parts/announce.js";
import { CopyButton } from "../parts/copy.js";
import { Icon } from "../parts/icons.js";
import { useShortcuts } from "../shortcuts.js";
import { clip } from "../view.js";
import { Result } from "./result.js";

/** One result beside the list; next and previous walk the list, over the edges of its pages too. */
export function Peek({ id, row, rows, hits, statistics, step, close }) {
  const panel = useRef(null);
  const index = rows.findIndex((other) => other.id === id);
  const next = () => step(1);
  const previous = () => step(-1);
  useShortcuts({
    ArrowDown: next,
    ArrowRight: next,
    ArrowUp: previous,
    ArrowLeft: previous,
    Escape: close,
  });
  // What has the focus may go with its result: then the panel takes it.
  const held = panel.current?.contains(document.activeElement);
  useLayoutEffect(() => {
    if (held && !panel.current.contains(document.activeElement)) panel.current.focus();
  }, [id]);
  useEffect(() => {
    if (lastOpening.byKeyboard) panel.current.focus();
    lastOpening.byKeyboard = false;
  }, [id]);
  useEffect(() => {
    panel.current.scrollTop = 0;
    if (row) whisper(`Result ${index + 1} of ${rows.length} on this page: ${clip(row.description ?? "failed", 300)}`);
  }, [id]);
  return html`
    <aside class="peek" aria-label="Result" ref=${panel} tabindex="-1">
      <header class="peek-bar">
        <button class="quiet" aria-label="Previous result" title="Previous (K)" onClick=${previous}><${Icon} name="up" /></button>
        <button class="quiet" aria-label="Next result" title="Next (J)" onClick=${next}><${Icon} name="down" /></button>
        <span class="faint number">${index >= 0 ? `${count(index + 1)} of ${count(rows.length)} here` : "Not on this page"}</span>
        <span class="gap"></span>
        <a class="button quiet" href=${linkTo(id)} aria-label="Open as a page of its own" title="Open as a page of its own"><${Icon} name="open" /></a>
        <${CopyButton} text=${linkTo(id)} label="link to the result" />
        <button class="quiet" aria-label="Close" title="Close (Esc)" onClick=${close}><${Icon} name="close" /></button>
      </header>
      <${Result} key=${id} id=${id} row=${row} hits=${hits} reviews=${statistics?.reviews} onReviewed=${next} />
    </aside>
  `;
}
