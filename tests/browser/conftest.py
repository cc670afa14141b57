"""Chromium, one for all tests of this folder on an engine, and a fresh profile for each test.

Pages hear of the engine through GraphQL alone, which is tested on both: here, histories, exports, the walk of all pages
by keyboard and pages of other origins are on both, what else a page does is on the embedded one.

While Playwright runs, its thread counts as one that runs an event loop: tests elsewhere, which run their own, need that
it ends with this folder.
"""

import datetime
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from app.demo import results
from app.engine.db import Database
from app.history import recording
from app.history.recording import Result
from app.models import Scope
from tests.browser.watch import Watch
from tests.conftest import NO_CHROMIUM, Account
from tools import chromium as programs
from tools import patience

IMAGES = Path(__file__).parents[2] / "docs" / "images"
WIDE = {"width": 1280, "height": 800}
PHONE = {"width": 390, "height": 844}
TODAY = datetime.date(2026, 11, 23)


@cache
def path_of_chromium() -> str:
    """The test is skipped where there is none, or fails where one is required."""
    path = programs.find()
    if path is None:
        if os.environ.get("SIGHTLOG_TEST_BROWSER") == "required":
            pytest.fail(f"{NO_CHROMIUM}: {programs.HOW_TO_GET_IT}.", pytrace=False)
        pytest.skip(NO_CHROMIUM)
    return path


@pytest.fixture(scope="package")
def chromium() -> Iterator[Browser]:
    with programs.launched(path_of_chromium()) as browser:
        expect.set_options(timeout=patience.seconds(10) * 1000)
        yield browser


@pytest.fixture
def watch(chromium: Browser) -> Iterator[Watch]:
    """Looks at all pages of the test, which fails at its end if one of them did what it must not."""
    watching = Watch(chromium)
    yield watching
    watching.close()


@dataclass
class Visitor:
    """Somebody who looks at one account, or who has not signed in."""

    account: Account
    watch: Watch
    contexts: list[BrowserContext] = field(default_factory=list)

    def open(
        self,
        path: str = "/",
        scope: Scope | None = Scope.WRITE,
        *,
        url: str = "",
        ready: str | None = "main",
        **options: Any,
    ) -> Page:
        """A page of a profile of its own, signed in with the account's key of that scope; None: not signed in.

        `options` are those of Playwright for a new context; `ready` is what must be there before the page is given.
        """
        url = url or self.account.stack.url
        context = self.watch.context(url, **{"viewport": WIDE, "reduced_motion": "reduce"} | options)
        self.contexts.append(context)
        if scope:
            sign_in(context, url, self.account.keys[scope])
        page = context.new_page()
        page.goto(url + path)
        if ready:
            page.locator(ready).first.wait_for()
        return page


def sign_in(context: BrowserContext, url: str, key: str) -> None:
    """As the form does it, without the form."""
    answer = context.request.post(f"{url}/session", data={"key": key})
    assert answer.status == 201, answer.text()


@pytest.fixture
def visitor(account: Account, watch: Watch) -> Visitor:
    return Visitor(account, watch)


@pytest.fixture
def history(account: Account, database: Database) -> list[dict[str, Any]]:
    """Of the account: some 180 results of the demo, with pictures. The completed ones, newest first."""
    made = [one | {"id": f"{account.id}-{one['id']}"} for one in results.results(TODAY, 180)]
    with database.write() as session:
        recording.record(session, account.id, [Result.model_validate(one) for one in made])
    return [one for one in reversed(made) if one["status"] == "completed"]


@pytest.fixture
def screenshot(request: pytest.FixtureRequest) -> Callable[[Page, str], None]:
    """Keeps a picture of what is seen for the docs, if `--screenshots` asks for it."""

    def take(page: Page, name: str) -> None:
        if request.config.getoption("--screenshots"):
            page.wait_for_load_state("networkidle")
            page.screenshot(path=IMAGES / f"{name}.png", animations="disabled", timeout=patience.seconds(30) * 1000)

    return take
