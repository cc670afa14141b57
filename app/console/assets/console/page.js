/** What the server says of this page, and where it lies: also behind a path prefix. */
const meta = (name) => document.querySelector(`meta[name="sightlog-${name}"]`)?.content ?? "";

export const root = `${import.meta.url.split("/assets/")[0]}/`;
/** Where the files of this version lie: gone after an upgrade. */
export const assets = import.meta.url.slice(0, -"console/page.js".length);
export const showsImages = meta("images") !== "off";
export const version = meta("version");

/** The address of a path of ours, such as `exports` or `descriptions/desc_1`. */
export const address = (path = "") => root + path;
