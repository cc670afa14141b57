import { readKey, takeKeyFromLink } from "./key.js";

takeKeyFromLink();

const system = matchMedia("(prefers-color-scheme: dark)");
const chosen = localStorage.getItem("sightlog:graphiql:theme");

function paint() {
  document.documentElement.classList.toggle("dark-mode", chosen ? chosen === "dark" : system.matches);
}

function authorize() {
  const schemes = ui.specSelectors.specJson().toJS().components?.securitySchemes ?? {};
  for (const [name, scheme] of Object.entries(schemes)) {
    if (scheme.scheme?.toLowerCase() === "bearer" && readKey()) ui.preauthorizeApiKey(name, readKey());
  }
}

paint();
system.addEventListener("change", paint);

/** We are asked where this page came from, whatever proxy is between: the policy allows no other address. */
function fromHere(response) {
  if (!response.url.endsWith("/openapi.json") || !response.ok) return response;
  const servers = [{ url: new URL(".", location.href).href.replace(/\/$/, "") }];
  return Object.assign(response, { text: JSON.stringify({ ...JSON.parse(response.text), servers }) });
}

const ui = window.SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  responseInterceptor: fromHere,
  onComplete: authorize,
});
