import { useLayoutEffect, useState } from "./lib.js";

/** A value that components follow. `set` takes the next value, or a function of the present one. */
export function createStore(value) {
  const listeners = new Set();
  return {
    get: () => value,
    set(next) {
      const changed = typeof next === "function" ? next(value) : next;
      if (Object.is(changed, value)) return;
      value = changed;
      for (const listener of [...listeners]) listener();
    },
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}

export function useStore(store) {
  const [, draw] = useState(0);
  const value = store.get();
  useLayoutEffect(() => {
    const changed = () => draw((count) => count + 1);
    if (!Object.is(store.get(), value)) changed();
    return store.subscribe(changed);
  }, [store]);
  return value;
}

/** State that begins anew whenever `owner` is another, in the same drawing: an effect would take back what was clicked before it ran. */
export function useStateOf(owner, initial) {
  const [state, setState] = useState({ owner, value: initial });
  const set = (value) => setState({ owner, value });
  return [Object.is(state.owner, owner) ? state.value : initial, set];
}
