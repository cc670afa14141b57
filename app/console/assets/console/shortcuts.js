import { useLayoutEffect, useRef } from "./lib.js";
import { singleKeys } from "./preferences.js";

const layers = [];

const typing = (target) => target.closest?.("input:not([type=checkbox], [type=radio]), textarea, select, dialog");

/** What is done with a key, while the component is there: `{j: next, Escape: close}`. The newest component comes first. */
export function useShortcuts(actions) {
  const latest = useRef(actions);
  latest.current = actions;
  // Whoever sees the component may press its keys, before an effect after the paint has run.
  useLayoutEffect(() => {
    layers.push(latest);
    return () => layers.splice(layers.indexOf(latest), 1);
  }, []);
}

function pressed(event) {
  if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || typing(event.target)) return;
  const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  // Somebody who speaks to the computer presses letters without meaning to (WCAG 2.1.4).
  if (key.length === 1 && !singleKeys.get()) return;
  const layer = layers.findLast((actions) => actions.current[key]);
  if (!layer) return;
  event.preventDefault();
  layer.current[key](event);
}

export const listen = () => document.addEventListener("keydown", pressed);
