/**
 * The view of the history: which results, in which order, from where on. It lives in the URL, and in nothing else.
 *
 * `read` makes a view of a query and says in sentences what it did not understand; `write` is its inverse.
 */

export const PAGE_SIZE = 50;
export const ORDERS = {
  newest: { label: "Newest first", orderBy: undefined },
  oldest: { label: "Oldest first", orderBy: { field: "CREATED_AT", direction: "ASC" } },
  uncertain: { label: "Least certain first", orderBy: { field: "CONFIDENCE", direction: "ASC" } },
  certain: { label: "Most certain first", orderBy: { field: "CONFIDENCE", direction: "DESC" } },
};
export const STATES = ["UNREVIEWED", "ACCEPTED", "REJECTED", "CORRECTED"];

export const EMPTY = {
  search: "",
  anyTerm: false,
  from: "",
  to: "",
  min: null,
  max: null,
  below: null,
  unscored: false,
  sources: [],
  types: [],
  states: [],
  failed: false,
  images: [],
  sourceIds: [],
  metadata: [],
  order: "newest",
  after: "",
  before: "",
  at: "",
  end: false,
  grid: false,
  peek: "",
};

export const QUEUE = { ...EMPTY, states: ["UNREVIEWED"], order: "uncertain" };

const KNOWN = new Set(
  "q any from to min max below unscored source type review failed image sourceid meta order after before at end as peek".split(" "),
);
const OURS = new Set(["sign-in"]);
const FLAGS = { any: "anyTerm", unscored: "unscored", failed: "failed", end: "end" };
const LISTS = { source: "sources", type: "types", image: "images", sourceid: "sourceIds" };

const DAY = /^\d{4}-\d\d-\d\d$/;

/** A day or a moment that exists, as ISO 8601 has it. */
export function isTime(text) {
  const moment = new Date(DAY.test(text) ? `${text}T00:00:00Z` : text);
  if (Number.isNaN(moment.getTime())) return false;
  return DAY.test(text) ? moment.toISOString().startsWith(text) : /^\d{4}-\d\d-\d\d[T ]\d\d:\d\d/.test(text);
}

export function read(search) {
  const query = new URLSearchParams(search);
  const view = { ...EMPTY };
  const problems = [];
  const refuse = (name, why) => problems.push(`“${name}=${clip(query.get(name))}” ${why}`);

  view.search = query.get("q") ?? "";
  for (const [name, field] of Object.entries(FLAGS)) view[field] = query.has(name) && query.get(name) !== "0";
  for (const [name, field] of Object.entries(LISTS)) view[field] = query.getAll(name).filter(Boolean);
  for (const name of ["after", "before", "peek"]) view[name] = query.get(name) ?? "";
  view.grid = query.get("as") === "grid";

  for (const name of ["from", "to", "at"]) {
    const text = query.get(name);
    if (text && isTime(text)) view[name] = text;
    else if (text) refuse(name, "is no day such as 2025-01-31.");
  }
  for (const name of ["min", "max", "below"]) {
    const text = query.get(name);
    if (text === null || text === "") continue;
    const number = Number(text);
    if (number >= 0 && number <= 1) view[name] = number;
    else refuse(name, "is no score from 0 to 1.");
  }
  if (view.from && view.to && Date.parse(startOf(view.from)) > Date.parse(endOf(view.to))) {
    refuse("from", "is after the end of the time, so neither applies.");
    view.from = view.to = "";
  }
  if (view.min !== null && view.min > (view.max ?? view.below ?? 1)) {
    refuse("min", "is above the highest score, so neither applies.");
    view.min = view.max = view.below = null;
  }
  for (const state of query.getAll("review")) {
    if (STATES.includes(state.toUpperCase())) view.states = [...view.states, state.toUpperCase()];
    else problems.push(`“review=${clip(state)}” is none of unreviewed, accepted, rejected, corrected.`);
  }
  for (const text of query.getAll("meta")) {
    const condition = readCondition(text);
    if (condition) view.metadata = [...view.metadata, condition];
    else problems.push(`“meta=${clip(text)}” is not of the form path=value.`);
  }
  const order = query.get("order");
  if (order && Object.hasOwn(ORDERS, order)) view.order = order;
  else if (order) refuse("order", `is none of ${Object.keys(ORDERS).join(", ")}.`);
  if (view.at && !byTime(view)) {
    refuse("at", "leads to a day only where the order is by time.");
    view.at = "";
  }
  for (const name of new Set(query.keys())) {
    if (!KNOWN.has(name) && !OURS.has(name)) refuse(name, "is unknown.");
  }
  return { view, problems };
}

export function write(view) {
  const query = new URLSearchParams();
  const add = (name, value) => value !== "" && value !== null && query.append(name, value);
  add("q", view.search);
  if (view.anyTerm) add("any", "1");
  add("from", view.from);
  add("to", view.to);
  for (const name of ["min", "max", "below"]) add(name, view[name]);
  if (view.unscored) add("unscored", "1");
  for (const [name, field] of Object.entries(LISTS)) for (const value of view[field]) add(name, value);
  for (const state of view.states) add("review", state.toLowerCase());
  if (view.failed) add("failed", "1");
  for (const { path, equals } of view.metadata) add("meta", `${path}=${printValue(equals)}`);
  if (view.order !== "newest") add("order", view.order);
  for (const name of ["after", "before", "at"]) add(name, view[name]);
  if (view.end) add("end", "1");
  if (view.grid) add("as", "grid");
  add("peek", view.peek);
  const text = query.toString();
  return text && `?${text}`;
}

/** From the first page on, without a result beside it. */
export const fromStart = (view) => ({ ...view, after: "", before: "", at: "", end: false, peek: "" });

export const byTime = (view) => view.order === "newest" || view.order === "oldest";

export const isFiltered = (view) => JSON.stringify(filterOf(view)) !== "{}";

/** `path=value`, the value a number, `true`, `false`, or a text, which may stand in quotes. */
export function readCondition(text) {
  const at = text.indexOf("=");
  const path = text.slice(0, at).trim();
  if (at < 1 || !path) return null;
  const given = text.slice(at + 1).trim();
  if (/^(true|false|-?\d+(\.\d+)?([eE][+-]?\d+)?|"(?:[^"\\]|\\.)*")$/.test(given)) {
    try {
      return { path, equals: JSON.parse(given) };
    } catch {
      // such as 007, which is a text
    }
  }
  return { path, equals: given };
}

/** The value as `readCondition` reads it again. */
export function printValue(value) {
  if (typeof value !== "string") return JSON.stringify(value);
  return readCondition(`x=${value}`).equals === value ? value : JSON.stringify(value);
}

/** Terms of the search: words, "words that belong together", and -words that must not occur. */
export function termsOf(search) {
  const wanted = [];
  const excluded = [];
  for (const [, minus, quoted, word] of search.matchAll(/(-?)(?:"([^"]*)"?|(\S+))/g)) {
    const term = (quoted ?? word).trim();
    if (term && term !== "-") (minus ? excluded : wanted).push(term);
  }
  return { wanted, excluded };
}

export const startOf = (time) => (DAY.test(time) ? `${time}T00:00:00Z` : time);
export const endOf = (time) => (DAY.test(time) ? `${time}T23:59:59.999999Z` : time);

/** The view's `DescriptionFilter`. Scores are kept in billionths, so "below" is a billionth less. */
export function filterOf(view) {
  const { wanted, excluded } = termsOf(view.search);
  const filter = {};
  if (wanted.length) filter.search = wanted;
  if (wanted.length > 1 && !view.anyTerm) filter.searchMode = "ALL";
  if (excluded.length) filter.excludeSearch = excluded;
  if (view.from) filter.startDate = startOf(view.from);
  if (view.to) filter.endDate = endOf(view.to);
  if (view.min !== null) filter.minConfidence = view.min;
  const max = view.below === null ? view.max : Math.max(0, (Math.round(view.below * 1e9) - 1) / 1e9);
  if (max !== null) filter.maxConfidence = max;
  if (view.unscored && (view.min !== null || max !== null)) filter.includeUnscored = true;
  if (view.sources.length) filter.sourceTypes = view.sources;
  if (view.types.length) filter.types = view.types;
  if (view.images.length) filter.imageIds = view.images;
  if (view.sourceIds.length) filter.sourceIds = view.sourceIds;
  if (view.states.length) filter.reviewStates = view.states;
  if (view.metadata.length) filter.metadata = view.metadata;
  if (view.failed) filter.includeFailed = true;
  return filter;
}

/** The variables of `PAGE_OF_RESULTS`. */
export function pageOf(view) {
  const variables = { filter: filterOf(view), orderBy: ORDERS[view.order].orderBy };
  if (view.before) return { ...variables, last: PAGE_SIZE, before: view.before };
  if (view.end) return { ...variables, last: PAGE_SIZE };
  if (view.after) return { ...variables, first: PAGE_SIZE, after: view.after };
  if (view.at) return { ...variables, first: PAGE_SIZE, at: view.order === "newest" ? endOf(view.at) : startOf(view.at) };
  return { ...variables, first: PAGE_SIZE };
}

/** The filter of each part of the statistics: one that is a choice itself counts what else could be chosen. */
export function partsOf(view) {
  return {
    total: filterOf(view),
    days: filterOf({ ...view, from: "", to: "" }),
    scores: filterOf({ ...view, min: null, max: null, below: null }),
    types: filterOf({ ...view, types: [] }),
    sources: filterOf({ ...view, sources: [] }),
    reviews: filterOf({ ...view, states: [] }),
  };
}

/** What narrows the view, as chips: `{label, value, without}`, the last one being the view without it. */
export function chipsOf(view) {
  const chips = [];
  const add = (label, value, changes) => chips.push({ label, value, without: fromStart({ ...view, ...changes }) });
  const each = (label, field, print = (value) => value) => {
    for (const value of view[field]) add(label, print(value), { [field]: view[field].filter((other) => other !== value) });
  };
  if (view.search) add("Search", view.search, { search: "" });
  if (view.from || view.to) {
    const days = view.from === view.to ? view.from : [view.from || "…", view.to || "…"].join(" – ");
    add("Time", days, { from: "", to: "" });
  }
  if (view.min !== null || view.max !== null || view.below !== null) {
    add("Score", printRange(view), { min: null, max: null, below: null, unscored: false });
  }
  each("Type", "types");
  each("Source", "sources");
  each("Review", "states", (state) => state.toLowerCase());
  each("Image", "images");
  each("Source ID", "sourceIds");
  each("Metadata", "metadata", ({ path, equals }) => `${path} = ${printValue(equals)}`);
  if (view.failed) add("Status", "failed ones too", { failed: false });
  return chips;
}

function printRange({ min, max, below, unscored }) {
  const upper = max ?? below;
  const range = [
    min !== null && `≥ ${min}`,
    upper !== null && `${below === null ? "≤" : "<"} ${upper}`,
    unscored && "or none",
  ];
  return range.filter(Boolean).join(" ");
}

export const clip = (text, length = 60) => (text?.length > length ? `${text.slice(0, length)}…` : text);
