/** Preact, its hooks and htm, bound to each other: the only module that names their versions. */
import { Fragment, h, options, render } from "../vendor/preact-11.2.0/preact.js";
import htm from "../vendor/htm-3.1.1/htm.js";

export {
  useCallback,
  useEffect,
  useErrorBoundary,
  useId,
  useLayoutEffect,
  useMemo,
  useRef,
  useState,
} from "../vendor/preact-11.2.0/hooks.js";
export { Fragment, render };
export const html = htm.bind(h);

/** Draws what a change makes different before it returns: the next key must find the field that this one opened. */
export function drawNow(change) {
  const before = options.debounceRendering;
  options.debounceRendering = (draw) => draw();
  try {
    change();
  } finally {
    options.debounceRendering = before;
  }
}
