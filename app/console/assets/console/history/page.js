import { count, plural } from "../formats.js";
import { html, useEffect, useLayoutEffect, useMemo, useRef } from "../lib.js";
import { address } from "../page.js";
import { announce } from "../parts/announce.js";
import { Trouble } from "../parts/small.js";
import { Peek } from "../result/peek.js";
import { go, place } from "../router.js";
import { useShortcuts } from "../shortcuts.js";
import { useStateOf, useStore } from "../store.js";
import { hitsOf } from "../texts.js";
import { fromStart, isFiltered, read, termsOf, write } from "../view.js";
import { Bulk } from "./bulk.js";
import { startAnew, useNewer, usePage, useStatistics } from "./data.js";
import { Facets } from "./facets.js";
import { Grid } from "./grid.js";
import { Further, Pager } from "./pager.js";
import { Table } from "./table.js";
import { Timeline } from "./timeline.js";
import { Toolbar } from "./toolbar.js";

const NONE = new Set();

/** The functions that change the view; each is a step of the browser's history unless it says `replace`. */
function actionsOf(view, page) {
  const show = (changes, options) => go(write({ ...view, ...changes }), options);
  const { rows, pageInfo } = page;
  const turned = { after: "", before: "", at: "", end: false, peek: "" };
  return {
    show,
    narrow: (changes, options) => go(write(fromStart({ ...view, ...changes })), options),
    turn(target, state) {
      show({ ...turned, ...target }, { state, replace: Boolean(state.peekAt) });
      if (!state.peekAt) scrollTo(0, 0);
    },
    open(id) {
      const { state } = place.get();
      show({ peek: id }, view.peek ? { replace: true, state } : { state: { ...state, opened: true } });
    },
    close() {
      if (place.get().state.opened) history.back();
      else show({ peek: "" }, { replace: true, state: place.get().state });
    },
    step(by) {
      if (!rows?.length) return;
      const index = rows.findIndex(({ id }) => id === view.peek);
      const target = rows[index < 0 ? 0 : index + by];
      if (target) this.open(target.id);
      else if (by > 0 && pageInfo.hasNextPage) this.turn({ after: pageInfo.endCursor }, this.stateAt(rows.length, "first"));
      else if (by < 0 && pageInfo.hasPreviousPage) this.turn({ before: pageInfo.startCursor }, this.stateAt(-1, "last"));
      else announce(by > 0 ? "That was the last result." : "That was the first result.");
    },
    /** The place of the next page in the list, where we know that of this one. */
    stateAt(by, peekAt) {
      const { at } = place.get().state;
      const first = view.after || view.before || view.at || view.end ? at : 1;
      const next = first && (by > 0 ? first + by : Math.max(1, first - 50));
      return { at: next, ...(peekAt && { peekAt }) };
    },
  };
}

export function HistoryPage() {
  const { search, state } = useStore(place);
  const { view, problems } = useMemo(() => read(search), [search]);
  const page = usePage(view);
  const statistics = useStatistics(view);
  const newer = useNewer(view, page);
  const hits = useMemo(() => hitsOf(termsOf(view.search).wanted), [view.search]);
  const [selected, setSelected] = useStateOf(page.stale ? null : page.nodes, NONE);
  const actions = actionsOf(view, page);
  const lastPeek = useRef("");
  const list = useRef(null);

  const peek = view.peek || (state.peekAt ? lastPeek.current : "");
  lastPeek.current = peek;
  const listed = page.stale ? null : page.rows;

  useEffect(() => {
    document.title = view.search ? `${view.search} · Sightlog` : "History · Sightlog";
  }, [view.search]);
  // A page was turned by stepping over its edge: its first or last result is the next one.
  useEffect(() => {
    if (!state.peekAt || !listed?.length) return;
    const target = state.peekAt === "first" ? listed[0] : listed[listed.length - 1];
    actions.show({ peek: target.id }, { replace: true, state: { at: state.at } });
  }, [state.peekAt, listed]);
  useLayoutEffect(() => {
    list.current?.querySelector("[data-open]")?.scrollIntoView({ block: "nearest" });
  }, [peek]);

  function close() {
    // Who was in the panel by the keyboard goes on at its result in the list.
    if (document.activeElement.closest(".peek")) list.current?.querySelector("[data-open] a")?.focus({ preventScroll: true });
    actions.close();
  }
  const turnTo = (target, by) => actions.turn(target, by ? actions.stateAt(by) : {});
  useShortcuts({
    j: () => actions.step(1),
    k: () => actions.step(-1),
    t: () => actions.show({ grid: !view.grid }, { replace: true, state }),
    "]": () => page.pageInfo?.hasNextPage && turnTo({ after: page.pageInfo.endCursor }, page.rows.length),
    "[": () => page.pageInfo?.hasPreviousPage && turnTo({ before: page.pageInfo.startCursor }, -1),
    x: () => view.peek && toggle(view.peek),
  });

  function toggle(id) {
    const next = new Set(selected);
    if (!next.delete(id)) next.add(id);
    setSelected(next);
  }
  function showNewer() {
    startAnew();
    actions.narrow({});
    statistics.reload();
    page.reload();
    scrollTo(0, 0);
  }

  const List = view.grid ? Grid : Table;
  const { total: counted, seen } = statistics.stale ? {} : statistics;
  const total = counted?.totalCount;
  return html`
    <div class="history" data-peek=${peek ? "" : undefined}>
      <${Facets} view=${view} statistics=${statistics} narrow=${actions.narrow} />
      <main id="main" tabindex="-1">
        <h1 class="unseen">History</h1>
        <${Toolbar} view=${view} actions=${actions} total=${total} seen=${seen} />
        ${problems.length > 0 &&
        html`<div class="problems" role="alert">
          <p>Not all of this address is understood; the rest applies.</p>
          <ul>${problems.map((problem) => html`<li>${problem}</li>`)}</ul>
          <button onClick=${() => go(write(view), { replace: true })}>Tidy the address</button>
        </div>`}
        <${Timeline} view=${view} days=${statistics.days} narrow=${actions.narrow} />
        <div class="over-list">
          <div class="status-line">
            <${Total} statistics=${statistics} page=${page} />
            ${newer > 0 && html`<button class="newer" onClick=${showNewer}>${newer >= 1000 ? "1,000+" : count(newer)} new</button>`}
            <${Pager} view=${view} page=${page} total=${total} state=${state} onTurn=${turnTo} />
          </div>
          ${selected.size > 0 &&
          html`<${Bulk} view=${view} rows=${listed ?? []} selected=${selected} setSelected=${setSelected} total=${total} done=${statistics.reload} />`}
        </div>
        <div class="unseen" aria-live="polite">${newer > 0 && `${plural(newer, "new result")}`}</div>
        <${Trouble} error=${page.error} onRetry=${page.reload} />
        ${page.error?.code && (view.after || view.before) && html`<p><a href=${address(write(fromStart(view)))}>Begin at the first page</a></p>`}
        <div ref=${list} class="list" data-stale=${page.stale ? "" : undefined} aria-busy=${page.loading}>
          ${page.rows?.length > 0 &&
          html`<${List} rows=${page.rows} peek=${peek} hits=${hits} selected=${selected} toggle=${toggle} setSelected=${setSelected} open=${actions.open} />`}
          ${listed?.length === 0 && html`<${Nothing} view=${view} />`}
        </div>
        ${page.rows?.length > 10 && html`<${Further} page=${page} onTurn=${turnTo} />`}
      </main>
      ${peek &&
      html`<${Peek} id=${peek} row=${page.rows?.find(({ id }) => id === peek)} rows=${page.rows ?? []} hits=${hits}
        statistics=${statistics} step=${(by) => actions.step(by)} close=${close} />`}
    </div>
  `;
}

function Total({ statistics, page }) {
  if (statistics.error) return html`<span class="total refused" role="alert">The count failed: ${statistics.error.message}</span>`;
  if (!statistics.total) return html`<span class="total faint">Counting …</span>`;
  const { totalCount } = statistics.total;
  const times = page.took && statistics.took;
  return html`
    <span class="total" data-stale=${statistics.stale ? "" : undefined}>
      <strong>${count(totalCount)}</strong> ${totalCount === 1 ? "result" : "results"}
      ${times && html`<span class="faint" title=${`The page took ${Math.round(page.took)} ms, the statistics ${Math.round(statistics.took)} ms`}> in ${Math.max(1, Math.round(page.took))} ms</span>`}
    </span>
  `;
}

function Nothing({ view }) {
  if (isFiltered(view)) {
    return html`<div class="nothing"><p>Nothing matches this view.</p><a href=${address()}>Show everything</a></div>`;
  }
  return html`
    <div class="nothing">
      <p>There are no results yet.</p>
      <p class="faint"><code>sightlog import results.jsonl --account …</code> reads files; <code>recordDescriptions</code> in <a href=${address("graphql")}>GraphQL</a> records them as they come.</p>
    </div>
  `;
}
