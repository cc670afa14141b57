import { html } from "../lib.js";
import { address } from "../page.js";
import { Icon } from "../parts/icons.js";
import { Result } from "./result.js";

/** One result as a page of its own. */
export function ResultPage({ id }) {
  return html`
    <main id="main" class="result-page" tabindex="-1">
      <p class="back"><a href=${address()}><${Icon} name="left" />History</a></p>
      <h1 class="unseen">Result ${id}</h1>
      <${Result} id=${id} wide />
    </main>
  `;
}
