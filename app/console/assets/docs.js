import { watchSession } from "./session.js";

const system = matchMedia("(prefers-color-scheme: dark)");
const chosen = localStorage.getItem("sightlog:graphiql:theme");

function paint() {
  document.documentElement.classList.toggle("dark-mode", chosen ? chosen === "dark" : system.matches);
}

const status = document.getElementById("status");
const say = (sentence, mood) => Object.assign(status, { textContent: sentence, title: sentence }).setAttribute("data-mood", mood);

paint();
system.addEventListener("change", paint);

/** We are asked where this page came from, whatever proxy is between: the policy allows no other address. */
function fromHere(response) {
  if (!response.url.endsWith("/openapi.json") || !response.ok) return response;
  const servers = [{ url: new URL(".", location.href).href.replace(/\/$/, "") }];
  return Object.assign(response, { text: JSON.stringify({ ...JSON.parse(response.text), servers }) });
}

window.SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  responseInterceptor: fromHere,
});

watchSession(
  (session) => say(session ? "" : "Sign in, or authorize with an API key", "waiting"),
  (sentence) => say(sentence, "refused"),
);
