// Runs before the first paint, so that a chosen theme does not flash; GraphiQL keeps its choice in the same place.
(() => {
  const chosen = localStorage.getItem("sightlog:graphiql:theme");
  if (chosen === "light" || chosen === "dark") document.documentElement.dataset.theme = chosen;
})();
