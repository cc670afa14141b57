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

const ui = window.SwaggerUIBundle({
  url: "openapi.json",
  dom_id: "#docs",
  deepLinking: true,
  defaultModelsExpandDepth: 0,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  validatorUrl: null,
  onComplete: authorize,
});
