/** Hits of a search in a text, and texts cut to what is read at a glance. */

const CUT = 320;
const LEAD = 60; // characters before a hit that stands far behind in a text

const escape = (term) => term.replace(/[.*+?^${}()|[\]\\]/g, "\\$&");

/** An expression that finds each of the terms, ignoring case; null without terms. */
export function hitsOf(terms) {
  return terms.length ? new RegExp(`(${terms.map(escape).join("|")})`, "giu") : null;
}

/** The text in pieces, each second one a hit. */
export const pieces = (text, hits) => (hits ? text.split(hits) : [text]);

/** The part of a long text that a list shows: its beginning, or the surroundings of the first hit. */
export function excerpt(text, hits) {
  if (text.length <= CUT) return text;
  const at = hits ? text.search(hits) : 0;
  const begin = at < CUT - LEAD ? 0 : at - LEAD;
  return `${begin ? "…" : ""}${text.slice(begin, begin + CUT)}${begin + CUT < text.length ? "…" : ""}`;
}
