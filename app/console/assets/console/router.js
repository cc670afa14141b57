import { address, root } from "./page.js";
import { createStore } from "./store.js";

const read = () => ({
  path: location.href.split(/[?#]/)[0].slice(root.length),
  search: location.search,
  state: history.state ?? {},
});

/** Where we are: the path below our root, the query, and what the entry of the browser's history remembers. */
export const place = createStore(read());

export const PAGES = /^(|exports|keys|descriptions\/.+)$/;

/** Goes to a path of ours with its query; `replace` leaves no step for the back button. */
export function go(target, { replace = false, state = {}, scroll = true } = {}) {
  const before = place.get().path;
  history[replace ? "replaceState" : "pushState"](state, "", address(target));
  place.set(read());
  if (scroll && place.get().path !== before) scrollTo(0, 0);
}

function followLink(event) {
  if (event.defaultPrevented || event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
  const link = event.target.closest?.("a[href]");
  if (!link || link.target || link.hasAttribute("download") || !link.href.startsWith(root)) return;
  const target = link.href.slice(root.length);
  if (target.includes("#") || !PAGES.test(target.split("?")[0])) return;
  event.preventDefault();
  go(target);
}

export function follow() {
  addEventListener("popstate", () => place.set(read()));
  document.addEventListener("click", followLink);
}
