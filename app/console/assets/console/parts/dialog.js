import { html, useEffect, useId, useRef } from "../lib.js";

/** A modal dialog; Esc and a click beside it close it, unless it has no `onClose`. */
export function Dialog({ title, onClose, wide, children }) {
  const dialog = useRef(null);
  const heading = useId();
  useEffect(() => {
    const before = document.activeElement;
    dialog.current.showModal();
    return () => before?.isConnected && before.focus();
  }, []);
  function cancelled(event) {
    event.preventDefault();
    onClose?.();
  }
  // A browser closes it at the second Esc, whatever we say.
  function closed() {
    if (onClose) onClose();
    else dialog.current?.showModal();
  }
  return html`
    <dialog
      ref=${dialog}
      class=${wide ? "dialog wide" : "dialog"}
      aria-labelledby=${heading}
      onCancel=${cancelled}
      onClose=${closed}
      onMouseDown=${(event) => event.target === dialog.current && onClose?.()}
    >
      <div class="inside">
        <h2 id=${heading}>${title}</h2>
        ${children}
      </div>
    </dialog>
  `;
}
