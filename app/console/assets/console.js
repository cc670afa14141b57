import { watchSession } from "./session.js";

const status = document.getElementById("status");
const say = (sentence, mood) => Object.assign(status, { textContent: sentence, title: sentence }).setAttribute("data-mood", mood);

const expired = new URLSearchParams(location.search).get("sign-in") === "expired";
const asked = expired ? "That link was used before, or is too old: sign in with an API key" : "Sign in with an API key";

watchSession(
  (session) => say(session ? "" : asked, "waiting"),
  (sentence) => say(sentence, "refused"),
);
