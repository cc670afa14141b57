import { ask } from "./client.js";
import { connection } from "./connection.js";
import { useCallback, useEffect, useRef, useState } from "./lib.js";
import { useStore } from "./store.js";

const KEPT = 60; // answers, so that going back shows what was there, at once

const kept = new Map();

function keep(key, answer) {
  kept.delete(key);
  kept.set(key, answer);
  if (kept.size > KEPT) kept.delete(kept.keys().next().value);
}

/** Forgets the answers to a document, so that whoever shows one next asks again. */
export function forget(document) {
  for (const key of [...kept.keys()]) if (key.startsWith(document)) kept.delete(key);
}

/**
 * The answer to a document: `{data, took, error, loading, stale, reload}`. What was shown stays (`stale`) until the next
 * answer is there. An answer that is known is not asked for again, whatever happens on the server, until `reload`.
 * `after` waits some milliseconds for further changes first.
 */
export function useAnswer(document, variables, { skip = false, after = 0 } = {}) {
  const key = document + JSON.stringify(variables);
  const [state, setState] = useState({});
  const [turn, setTurn] = useState(0);
  const shown = useRef(null);
  const { returns } = useStore(connection);

  useEffect(() => {
    if (skip || kept.has(key)) return undefined;
    const control = new AbortController();
    let timer = setTimeout(run, after);
    async function run() {
      const begun = performance.now();
      try {
        const data = await ask(document, variables, { signal: control.signal });
        keep(key, { data, took: performance.now() - begun });
        setState({ key });
      } catch (error) {
        if (control.signal.aborted) return;
        setState({ key, error });
        if (error.retryAfter) timer = setTimeout(run, error.retryAfter * 1000);
      }
    }
    return () => {
      clearTimeout(timer);
      control.abort();
    };
  }, [key, skip, turn, returns]);

  const reload = useCallback(() => {
    kept.delete(key);
    setState({});
    setTurn((count) => count + 1);
  }, [key]);

  const known = skip ? null : kept.get(key);
  if (known) shown.current = known;
  const error = !known && state.key === key ? state.error : null;
  const answer = known ?? (skip ? null : shown.current);
  return { data: answer?.data, took: answer?.took, error, stale: !known, loading: !skip && !known && !error, reload };
}
