import { html } from "../lib.js";

const PATHS = {
  close: "M4 4l8 8M12 4l-8 8",
  up: "M4 10l4-4 4 4",
  down: "M4 6l4 4 4-4",
  left: "M10 4L6 8l4 4",
  right: "M6 4l4 4-4 4",
  first: "M11 4L7 8l4 4M4.5 4v8",
  last: "M5 4l4 4-4 4M11.5 4v8",
  open: "M9 3h4v4M13 3L7.5 8.5M11 9.5V13H3V5h3.5",
  copy: "M5.5 5.5h7v7h-7zM3.5 10.5v-7h7",
  check: "M3.5 8.5l3 3 6-7",
  edit: "M3 13l.6-2.6L10.5 3.5l2 2-6.9 6.9zM9 5l2 2",
  note: "M3 4h10M3 8h10M3 12h6",
  search: "M7 11.5a4.5 4.5 0 100-9 4.5 4.5 0 000 9zM10.5 10.5L14 14",
  table: "M2.5 3.5h11v9h-11zM2.5 6.5h11M2.5 9.5h11",
  grid: "M2.5 2.5h4.5v4.5H2.5zM9 2.5h4.5v4.5H9zM2.5 9h4.5v4.5H2.5zM9 9h4.5v4.5H9z",
  download: "M8 2.5v7.5M4.5 7L8 10.5 11.5 7M3 13.5h10",
  image: "M2.5 3.5h11v9h-11zM2.5 11l3.5-3.5 3 3 1.5-1.5 3 3M10.5 6.2v.1",
  sun: "M8 11a3 3 0 100-6 3 3 0 000 6zM8 1.5v1.6M8 12.9v1.6M1.5 8h1.6M12.9 8h1.6M3.4 3.4l1.1 1.1M11.5 11.5l1.1 1.1M12.6 3.4l-1.1 1.1M4.5 11.5l-1.1 1.1",
  moon: "M13 9.5A5.5 5.5 0 116.5 3 4.5 4.5 0 0013 9.5z",
  system: "M2.5 3h11v7.5h-11zM6 13.5h4M8 10.5v3",
  filter: "M2.5 4h11M4.5 8h7M6.5 12h3",
  link: "M6.5 9.5l3-3M7 5l1.3-1.3a2.5 2.5 0 013.6 3.6L10.5 8.6M9 11l-1.3 1.3a2.5 2.5 0 01-3.6-3.6L5.5 7.4",
  trash: "M3 4.5h10M6.5 4.5V3h3v1.5M4.5 4.5l.6 8.5h5.8l.6-8.5",
  more: "M8 3.6v.1M8 8v.1M8 12.4v.1",
  retry: "M12.8 6A5 5 0 103 8.5M13 2.8V6H9.8",
};

/** A line drawing of 16 pixels beside a word; it says nothing itself. */
export function Icon({ name }) {
  return html`<svg class="icon" viewBox="0 0 16 16" width="16" height="16" aria-hidden="true"><path d=${PATHS[name]} /></svg>`;
}
