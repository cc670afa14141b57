"""The console in Chromium: how long a person waits for text, and for what comes after it."""

from dataclasses import dataclass
from typing import Any

from playwright.sync_api import Browser, Page

from benchmarks.report import Report
from tools import chromium
from tools.stack import Stack

VIEWS = {
    "first view": "/",
    "the same as a grid": "/?as=grid",
    "a month": "/?from=2025-01-01&to=2025-01-31",
    "least certain first": "/?order=uncertain",
    "a search for 'dog'": "/?q=dog",
    "exports": "/exports",
}
TIMES = 5
_WATCHED = """
window.watched = {text: 0, blocked: 0};
new PerformanceObserver((list) => {
  for (const { duration } of list.getEntries()) watched.blocked += Math.max(0, duration - 50);
}).observe({ type: "longtask", buffered: true });
new MutationObserver(() => {
  const text = document.querySelector("tbody .said, .cards .said, main .nothing");
  if (text) watched.text ||= performance.now();
}).observe(document, { childList: true, subtree: true });
"""
_FOUND = """() => ({...watched, longest: Math.max(0, ...performance.getEntriesByType("resource")
  .filter(({ responseEnd }) => responseEnd > watched.text).map(({ duration }) => duration))})"""


@dataclass(frozen=True)
class Seen:
    """Milliseconds: to the first text, of the longest request that ends after it, and what all long tasks took beyond
    the 50 that nobody feels.
    """

    text: float
    longest: float
    blocked: float


def measure(report: Report, stack: Stack, key: str) -> None:
    """Each view several times, in a browser that knows nothing yet; the median, and the first one beside it."""
    path = chromium.find()
    if path is None:
        print(f"The console is not measured, as there is no Chromium: {chromium.HOW_TO_GET_IT}.")
        return
    with chromium.launched(path) as browser:
        _look(browser, stack, key, "/exports")  # what a browser does but once
        for name, view in VIEWS.items():
            seen = [_look(browser, stack, key, view) for _ in range(TIMES)]
            first, usual = seen[0], Seen(*(_median(seen, part) for part in ("text", "longest", "blocked")))
            work = f"console, {name}"
            report.add(f"{work}: to text", f"{usual.text:.0f} ms", f"{first.text:.0f} ms at first", reach="< 1000")
            report.add(
                f"{work}: longest after it",
                f"{usual.longest:.0f} ms",
                f"{first.longest:.0f} ms at first",
                reach="≤ 300",
            )
            report.add(f"{work}: blocked", f"{usual.blocked:.0f} ms", f"{first.blocked:.0f} ms at first", reach="< 100")


def _look(browser: Browser, stack: Stack, key: str, view: str) -> Seen:
    context = browser.new_context(viewport={"width": 1280, "height": 800})
    context.add_init_script(_WATCHED)
    context.request.post(f"{stack.url}/session", data={"key": key})
    page: Page = context.new_page()
    page.goto(stack.url + view)
    page.wait_for_load_state("networkidle")
    found: dict[str, Any] = page.evaluate(_FOUND)
    context.close()
    return Seen(found["text"], found["longest"], found["blocked"])


def _median(seen: list[Seen], part: str) -> float:
    values: list[float] = sorted(getattr(one, part) for one in seen)
    return values[len(values) // 2]
