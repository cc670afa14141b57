import { showable } from "../addresses.js";
import { html, useState } from "../lib.js";
import { showsImages } from "../page.js";
import { Icon } from "./icons.js";

/** The image of a result in a frame of fixed shape; a quiet placeholder where there is none that can be shown. */
export function Picture({ url, alt = "", eager = false }) {
  const [broken, setBroken] = useState(null);
  const source = showsImages ? showable(url) : null;
  const shown = source && broken !== source;
  const why = !url ? "No image" : shown ? undefined : showsImages ? "The image cannot be shown" : "Images are switched off";
  return html`
    <span class="picture" title=${why}>
      ${shown
        ? html`<img
            src=${source}
            alt=${alt}
            loading=${eager ? "eager" : "lazy"}
            decoding="async"
            referrerpolicy="no-referrer"
            onError=${() => setBroken(source)}
          />`
        : html`<span class="placeholder" role=${alt ? "img" : undefined} aria-label=${alt ? why : undefined}><${Icon} name="image" /></span>`}
    </span>
  `;
}
