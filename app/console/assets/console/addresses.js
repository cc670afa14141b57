import { root } from "./page.js";

/**
 * The URL of an image or a link as we may use it, or null: `https:`, `http:`, a `data:image`, or a path of this server.
 * Whatever else is recorded (`javascript:` …) stays text.
 */
export function safe(text) {
  if (!text) return null;
  if (/^data:image\/[\w.+-]+[;,]/i.test(text)) return text;
  if (/^https?:\/\//i.test(text)) return URL.canParse(text) ? text : null;
  if (/^[a-z][\w+.-]*:/i.test(text) || /^[\\/]{2}/.test(text) || /[\0-\x20\\]/.test(text)) return null;
  return root + text.replace(/^\//, "");
}

/** Where the policy of this page lets an image come from: not from plain `http:`, but for this server. */
export function showable(text) {
  const url = safe(text);
  return url && (!/^http:/i.test(url) || url.startsWith(root)) ? url : null;
}

/** A link that a new tab may open; data is none. */
export function linkable(text) {
  const url = safe(text);
  return url && !url.startsWith("data:") ? url : null;
}
