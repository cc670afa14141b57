import { createStore } from "./store.js";

const THEME = "sightlog:graphiql:theme"; // GraphiQL's own place, so that all pages look alike
const KEYS = "sightlog:single-keys";

/** `light`, `dark`, or `system`. */
export const theme = createStore(localStorage.getItem(THEME) || "system");
export const singleKeys = createStore(localStorage.getItem(KEYS) !== "off");

export function chooseTheme(chosen) {
  if (chosen === "system") {
    localStorage.removeItem(THEME);
    delete document.documentElement.dataset.theme;
  } else {
    localStorage.setItem(THEME, chosen);
    document.documentElement.dataset.theme = chosen;
  }
  theme.set(chosen);
}

export function allowSingleKeys(on) {
  if (on) localStorage.removeItem(KEYS);
  else localStorage.setItem(KEYS, "off");
  singleKeys.set(on);
}
