/** The drawing of the timeline, by uPlot; loaded when there is something to draw. */
import { count, day } from "../formats.js";
import { address } from "../page.js";
import uPlot from "../../vendor/uplot-1.6.32/uplot.js";
import { dayOf, daysBetween } from "./buckets.js";

const DAY = 86_400; // seconds
const HEIGHT = 84;
const MARGIN = 34; // pixels that half a label takes: at the edges there is none
const FONT = "11px system-ui, sans-serif";

const sheet = Object.assign(document.createElement("link"), {
  rel: "stylesheet",
  href: address("assets/vendor/uplot-1.6.32/uplot.css"),
});
// Without its sheet the drawing would lie over the list.
await new Promise((loaded) => {
  sheet.addEventListener("load", loaded);
  sheet.addEventListener("error", loaded);
  document.head.append(sheet);
});

/** The colour that a custom property has here and now. */
function colour(frame, name) {
  frame.style.color = `var(${name})`;
  const { color } = getComputedStyle(frame);
  frame.style.color = "";
  return color;
}

/** Draws the buckets into the frame; `choose(from, to)` is told the days of a range, or two empty texts. */
export function draw(frame, buckets, range, choose) {
  const { starts, counts, length } = buckets;
  const inside = (start) => !range || (start + length > range[0] && start < range[1]);
  const [accent, muted, plain, faint] = ["--accent", "--bar", "--chart", "--faint"].map((name) => colour(frame, name));
  const label = Object.assign(document.createElement("div"), { className: "chart-label" });
  const bars = (fill) => ({ paths: uPlot.paths.bars({ size: [1, 60], gap: 1, align: 1 }), fill, width: 0, points: { show: false } });

  function told(chart) {
    const { idx } = chart.cursor;
    const shown = idx !== null && idx !== undefined;
    label.textContent = shown ? `${days(starts[idx])}: ${count(counts[idx])}` : "";
  }
  function days(start) {
    const [first, last] = daysBetween(buckets, start, start);
    return first === last ? day(first) : `${day(first)} – ${day(last)}`;
  }
  function dragged(chart) {
    const { left, width } = chart.select;
    if (width < 3) return;
    const to = chart.posToVal(left + width, "x") - 1;
    choose(...daysBetween(buckets, chart.posToVal(left, "x"), to));
  }

  const options = {
    width: frame.clientWidth,
    height: HEIGHT,
    padding: [6, 0, 0, 0],
    legend: { show: false },
    cursor: { y: false, points: { show: false }, drag: { x: true, y: false, setScale: false, dist: 3 } },
    tzDate: (time) => uPlot.tzDate(new Date(time * 1000), "UTC"),
    scales: {
      x: { time: true, range: () => [starts[0], starts[starts.length - 1] + length] },
      y: { range: (_, __, max) => [0, Math.max(max, 1)] },
    },
    axes: [
      { stroke: faint, font: FONT, size: 22, gap: 3, grid: { show: false }, ticks: { show: false }, values: axisLabels },
      { show: false },
    ],
    series: [{}, bars(muted), bars(range ? accent : plain)],
    hooks: { setSelect: [dragged], setCursor: [told] },
  };
  const data = [starts, counts.map((number, i) => (inside(starts[i]) ? 0 : number)), counts.map((number, i) => (inside(starts[i]) ? number : 0))];
  const chart = new uPlot(options, data, frame);
  frame.append(label);

  let pressedAt = 0;
  chart.over.addEventListener("mousedown", (event) => {
    pressedAt = event.clientX;
  });
  chart.over.addEventListener("click", (event) => {
    if (event.detail === 1 && Math.abs(event.clientX - pressedAt) < 3) {
      const time = chart.posToVal(event.clientX - chart.over.getBoundingClientRect().left, "x");
      choose(...daysBetween(buckets, time, time));
    }
  });
  chart.over.addEventListener("dblclick", () => choose("", ""));

  const observer = new ResizeObserver(() => frame.clientWidth && chart.setSize({ width: frame.clientWidth, height: HEIGHT }));
  observer.observe(frame);
  return {
    destroy() {
      observer.disconnect();
      chart.destroy();
      label.remove();
    },
  };
}

/** Days where the ticks are days apart, else months, with the year for January. */
function axisLabels(chart, times, _, __, step) {
  return times.map((time) => {
    const at = chart.valToPos(time, "x");
    if (at < MARGIN || at > chart.width - MARGIN) return "";
    const [year, month, date] = dayOf(time).split("-");
    if (step >= 364 * DAY || (step >= 28 * DAY && month === "01")) return year;
    return step < 28 * DAY ? day(dayOf(time)).replace(` ${year}`, "") : day(`${year}-${month}-01`).split(" ")[1];
  });
}
