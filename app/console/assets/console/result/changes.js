import { html, useEffect, useState } from "../lib.js";
import { clip } from "../view.js";

const COMPARED = 6000; // characters of each text
const TIME = 80; // milliseconds for one comparison

/** The later text with the words marked that differ from the earlier one; it is the plain text until that is known. */
export function Changes({ earlier, later }) {
  const [words, setWords] = useState(null);
  const comparable = earlier !== null && earlier !== undefined && earlier !== later && earlier.length + later.length < 2 * COMPARED;
  useEffect(() => {
    let gone = false;
    setWords(null);
    if (comparable) {
      import("../../vendor/diff-9.0.0/word.js").then(({ diffWords }) => {
        if (!gone) setWords(diffWords(earlier, later, { timeout: TIME }) ?? null);
      }, () => null); // the plain text is there
    }
    return () => {
      gone = true;
    };
  }, [earlier, later]);
  if (!words) return clip(later, COMPARED);
  return words.map(({ value, added, removed }) =>
    added ? html`<ins>${value}</ins>` : removed ? html`<del>${value}</del>` : value,
  );
}
