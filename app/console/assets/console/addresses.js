import { root, showsImages } from "./page.js";

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

/** The URL of an image that the policy of this page lets through: of this server, data, and `https:` unless switched off. */
export function showable(text) {
  const url = safe(text);
  if (!url || url.startsWith(root) || url.startsWith("data:")) return url;
  return showsImages && /^https:/i.test(url) ? url : null;
}

/** A link that a new tab may open; data is none. */
export function linkable(text) {
  const url = safe(text);
  return url && !url.startsWith("data:") ? url : null;
}
