"""What the pages of a test may not do: ask others, log errors, throw, be refused something by their own policy."""

import re
from typing import Any
from urllib.parse import urlsplit

from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Request, WebError

from tools import patience

NOT_SIGNED_IN = r"the server responded with a status of 401 .*/session$"
"""How a page learns that nobody has signed in."""


class Watch:
    """Makes the profiles of one test, and collects what their pages do wrong."""

    def __init__(self, browser: Browser) -> None:
        self.wrong: list[str] = []
        self._browser = browser
        self._allowed: set[str] = set()
        self._forgiven = [NOT_SIGNED_IN]
        self._contexts: list[BrowserContext] = []

    def context(self, url: str, **options: Any) -> BrowserContext:
        """A fresh profile whose pages may ask that server, and no other."""
        self.allow(url)
        context = self._browser.new_context(**options)
        context.set_default_timeout(patience.seconds(10) * 1000)
        context.on("request", self._asked)
        context.on("console", self._said)
        context.on("weberror", self._thrown)
        self._contexts.append(context)
        return context

    def allow(self, url: str) -> None:
        self._allowed.add(urlsplit(url).netloc)

    def forgive(self, pattern: str) -> None:
        """Lets the pages log errors that match `pattern`, where the test provokes them: message and path."""
        self._forgiven.append(pattern)

    def close(self) -> None:
        for context in self._contexts:
            context.close()
        wrong = [told for told in self.wrong if not any(re.search(pattern, told) for pattern in self._forgiven)]
        assert wrong == [], "\n".join(["The pages did what they must not:", *wrong])

    def _asked(self, request: Request) -> None:
        parts = urlsplit(request.url)
        if parts.scheme not in ("data", "blob") and parts.netloc not in self._allowed:
            self.wrong.append(f"asked for {request.url}")

    def _said(self, message: ConsoleMessage) -> None:
        if message.type == "error":
            self.wrong.append(f"{message.text} {urlsplit(message.location['url']).path}")

    def _thrown(self, error: WebError) -> None:
        self.wrong.append(error.error.stack or f"{error.error}")
