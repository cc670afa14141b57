import { showable } from "../addresses.js";
import { html, useState } from "../lib.js";
import { showsImages } from "../page.js";
import { Icon } from "./icons.js";

/** The image of a result in a frame of fixed shape; a quiet placeholder where there is none that can be shown. */
export function Picture({ url, alt = "", eager = false }) {
  const [broken, setBroken] = useState(null);
  const [loaded, setLoaded] = useState(null);
  const source = showable(url);
  const shown = source && broken !== source;
  const hidden = showsImages ? "The image cannot be shown" : "Images of other servers are switched off";
  const why = shown ? undefined : url ? hidden : "No image";
  return html`
    <span class="picture" title=${why}>
      ${shown
        ? html`${loaded !== source && html`<span class="placeholder" data-waiting><${Icon} name="image" /></span>`}<img
            src=${source}
            alt=${alt}
            loading=${eager ? "eager" : "lazy"}
            decoding="async"
            referrerpolicy="no-referrer"
            onLoad=${() => setLoaded(source)}
            onError=${() => setBroken(source)}
          />`
        : html`<span class="placeholder" role=${alt ? "img" : undefined} aria-label=${alt ? why : undefined}><${Icon} name="image" /></span>`}
    </span>
  `;
}
