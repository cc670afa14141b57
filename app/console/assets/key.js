const SLOT = "sightlog.key";

export const readKey = () => sessionStorage.getItem(SLOT) ?? "";

/** Keeps the key, without what comes along when it is copied: spaces, invisible characters, "Bearer". */
export function writeKey(text) {
  const key = text.trim().replace(/^bearer\s+/i, "").replace(/[^!-~]/g, "");
  if (key) sessionStorage.setItem(SLOT, key);
  else sessionStorage.removeItem(SLOT);
}

/** Moves the key of a `#key=…` link into the session, so that no copied address or history keeps it. */
export function takeKeyFromLink() {
  const key = new URLSearchParams(location.hash.slice(1)).get("key");
  if (key === null) return false;
  history.replaceState(null, "", location.pathname + location.search);
  writeKey(key);
  return true;
}
