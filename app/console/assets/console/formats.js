/** How values are written. All times are UTC, as the days of the statistics are. */

const NUMBER = new Intl.NumberFormat("en");
const SHORT = new Intl.NumberFormat("en", { notation: "compact", maximumFractionDigits: 1 });
const MONTHS = "Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(" ");

export const count = (number) => NUMBER.format(number);
export const shortCount = (number) => (number < 10_000 ? NUMBER.format(number) : SHORT.format(number));
export const plural = (number, one, many = `${one}s`) => `${count(number)} ${number === 1 ? one : many}`;
export const score = (number) => (number === null || number === undefined ? "–" : number.toFixed(2));

const two = (number) => String(number).padStart(2, "0");

export function day(text, now = new Date()) {
  const at = new Date(text);
  const year = at.getUTCFullYear() === now.getUTCFullYear() ? "" : ` ${at.getUTCFullYear()}`;
  return `${at.getUTCDate()} ${MONTHS[at.getUTCMonth()]}${year}`;
}

export function moment(text) {
  const at = new Date(text);
  return `${day(text)}, ${two(at.getUTCHours())}:${two(at.getUTCMinutes())}`;
}

/** `2025-01-15 10:30:00 UTC`, with what the server knows below a second. */
export const exactly = (text) => `${text.replace("T", " ").replace(/Z$/, "")} UTC`;

export function bytes(number) {
  const units = ["bytes", "kB", "MB", "GB", "TB"];
  const step = number < 1000 ? 0 : Math.min(Math.floor(Math.log10(number) / 3), units.length - 1);
  return `${step ? (number / 1000 ** step).toPrecision(3) : number} ${units[step]}`;
}

export function took(milliseconds) {
  return milliseconds < 1000 ? `${Math.max(1, Math.round(milliseconds))} ms` : `${(milliseconds / 1000).toFixed(1)} s`;
}

/** "3 min ago", for what is of today; else the day. */
export function ago(text, now = Date.now()) {
  const seconds = Math.max(0, Math.round((now - Date.parse(text)) / 1000));
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h ago`;
  return day(text);
}
