/** What the history page asks for: a page of results, the statistics beside it, and how many are new. */
import { forget, useAnswer } from "../answers.js";
import { ask } from "../client.js";
import { connection } from "../connection.js";
import { NEWER_RESULTS, COUNT_OF_RESULTS, PAGE_OF_RESULTS, statisticsOf } from "../documents.js";
import { useEffect, useMemo, useState } from "../lib.js";
import { verdicts } from "../result/verdicts.js";
import { session } from "../session.js";
import { useStore } from "../store.js";
import { filterOf, pageOf, partsOf } from "../view.js";

const POLL = 15_000; // milliseconds between two questions for new results
const AFTER_VERDICT = 1_500; // and from the last verdict to new statistics

/** `{nodes, rows, pageInfo, …answer}`; the rows are the nodes and show the verdicts given since. */
export function usePage(view) {
  const answer = useAnswer(PAGE_OF_RESULTS, pageOf(view));
  const given = useStore(verdicts);
  const nodes = answer.data?.descriptions.nodes;
  const rows = useMemo(
    () => nodes?.map((row) => (given.has(row.id) ? { ...row, reviewState: given.get(row.id) } : row)),
    [nodes, given],
  );
  return { ...answer, nodes, rows, pageInfo: answer.data?.descriptions.pageInfo };
}

/**
 * `{total, days, scores, types, sources, reviews, seen, …answer}`, each as `documents.js` asks for it. What was seen is not
 * told while verdicts of our own have changed the history since: they are no drift to whoever gave them.
 */
export function useStatistics(view) {
  const { document, variables } = statisticsOf(partsOf(view));
  const answer = useAnswer(document, variables, { after: 30 }); // the page's texts come first
  const given = useStore(verdicts);
  useEffect(() => {
    if (!given.size) return undefined;
    const timer = setTimeout(answer.reload, AFTER_VERDICT);
    return () => clearTimeout(timer);
  }, [given]);
  const parts = useMemo(() => {
    const found = {};
    for (const [names, values] of Object.entries(answer.data ?? {})) {
      for (const name of names.split("_")) found[name] = values.statistics ?? values;
      if (values.view) found.seen = values.view;
    }
    return found;
  }, [answer.data]);
  const counted = useMemo(() => given, [answer.data]);
  return { ...answer, ...parts, seen: given === counted ? parts.seen : undefined };
}

const newest = new Map(); // of each filter, the cursor of the first result that was shown

/** How many results came since the list was read; it counts while somebody looks. */
export function useNewer(view, page) {
  const [found, setFound] = useState({});
  const filter = filterOf(view);
  const key = JSON.stringify(filter);
  const atStart = view.order === "newest" && !view.after && !view.before && !view.at && !view.end;
  if (atStart && !page.stale && page.rows) newest.set(key, page.pageInfo.startCursor);
  const cursor = newest.get(key);
  const watched = view.order === "newest" && cursor !== undefined;

  useEffect(() => {
    if (!watched) return undefined;
    async function look() {
      if (document.hidden || connection.get().down || session.get().status !== "in") return;
      const asked = cursor === null ? ask(COUNT_OF_RESULTS, { filter }) : ask(NEWER_RESULTS, { filter, cursor });
      const data = await asked.catch(() => null); // the next look may tell
      if (data) setFound({ key, cursor, count: data.statistics?.totalCount ?? data.descriptions.newerThan });
    }
    const timer = setInterval(look, POLL);
    document.addEventListener("visibilitychange", look);
    return () => {
      clearInterval(timer);
      document.removeEventListener("visibilitychange", look);
    };
  }, [key, cursor, watched]);

  return watched && found.key === key && found.cursor === cursor ? found.count : 0;
}

/** The list is read anew when it is next shown. */
export function startAnew() {
  newest.clear();
  forget(PAGE_OF_RESULTS);
  forget("query StatisticsOfView");
}
