import { missed } from "../connection.js";
import { count, day } from "../formats.js";
import { html, useEffect, useMemo, useRef } from "../lib.js";
import { theme } from "../preferences.js";
import { useStore } from "../store.js";
import { bucketsOf, rangeOf } from "./buckets.js";

const drawing = () => import("./chart.js");

/**
 * The days of the view as bars. One drags a range, or clicks a bar; a double click takes the range away. Those who cannot
 * drag have the fields From and To.
 */
export function Timeline({ view, days, narrow }) {
  const frame = useRef(null);
  const chart = useRef(null);
  const chosen = useStore(theme);
  const choose = useRef();
  const counted = days?.dailyCounts;
  const buckets = useMemo(() => counted?.length && bucketsOf(counted), [counted]);
  choose.current = (from, to) => narrow({ from, to }, { replace: false });

  useEffect(() => {
    if (!buckets) return undefined;
    let gone = false;
    drawing().then(({ draw }) => {
      if (gone || !frame.current) return;
      chart.current?.destroy();
      chart.current = draw(frame.current, buckets, rangeOf(view), (from, to) => choose.current(from, to));
    }, missed); // without the drawing there are still the fields
    return () => {
      gone = true;
    };
  }, [buckets, view.from, view.to, chosen]);
  useEffect(() => () => chart.current?.destroy(), []);

  return html`
    <figure class="timeline" data-empty=${buckets ? undefined : ""}>
      <figcaption class="unseen">${buckets && summary(counted)}</figcaption>
      <div ref=${frame} class="chart" aria-hidden="true"></div>
    </figure>
  `;
}

function summary(counted) {
  const most = counted.reduce((best, next) => (next.count > best.count ? next : best));
  return `Results by day, from ${day(counted[0].date)} to ${day(counted[counted.length - 1].date)}; most, ${count(most.count)}, on ${day(most.date)}. Choose a range with From and To.`;
}
