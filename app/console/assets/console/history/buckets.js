/** Days put together, so that there is a bar for each of at most `MOST` spans of equal length. */

const DAY = 86_400; // seconds
const MOST = 180;
const LENGTHS = [1, 7, 14, 28, 56, 91, 182, 364];

const seconds = (date) => Date.parse(`${date}T00:00:00Z`) / 1000;

export const dayOf = (time) => new Date(time * 1000).toISOString().slice(0, 10);

/** `{starts, counts, length}` of the days that hold something: when each span starts, its count, its length in seconds. */
export function bucketsOf(counted) {
  const first = seconds(counted[0].date);
  const days = (seconds(counted[counted.length - 1].date) - first) / DAY + 1;
  const each = LENGTHS.find((length) => days / length <= MOST) ?? Math.ceil(days / MOST);
  const length = each * DAY;
  const spans = Math.ceil(days / each);
  const starts = Array.from({ length: spans }, (_, index) => first + index * length);
  const counts = new Array(spans).fill(0);
  for (const { date, count } of counted) counts[Math.floor((seconds(date) - first) / length)] += count;
  return { starts, counts, length };
}

/** The view's time in seconds, `[from, to)`; null where it has none. */
export function rangeOf({ from, to }) {
  if (!from && !to) return null;
  return [from ? seconds(from.slice(0, 10)) : -Infinity, to ? seconds(to.slice(0, 10)) + DAY : Infinity];
}

/** The first and the last day of what lies between two times. */
export function daysBetween({ starts, length }, from, to) {
  const index = (time) => Math.min(starts.length - 1, Math.max(0, Math.floor((time - starts[0]) / length)));
  return [dayOf(starts[index(from)]), dayOf(starts[index(to)] + length - DAY)];
}
