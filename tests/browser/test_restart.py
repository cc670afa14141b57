"""A page that stays open while its server is gone for a while."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.conftest import Visitor
from tests.browser.test_history import rows
from tests.browser.watch import Watch
from tests.conftest import Account
from tests.http import own
from tools import patience


@pytest.fixture(scope="module", params=own.embedded)
def fragile(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with own.own_stack(request, tmp_path_factory, "fragile", {}) as account:
        yield account


def test_the_server_stops_and_starts_while_the_page_is_open(fragile: Account, watch: Watch) -> None:
    watch.forgive("net::ERR_|Failed to fetch|status of 5")
    fragile.record(*({"id": f"r{n}", "description": f"Result {n}"} for n in range(60)))
    page = Visitor(fragile, watch).open()
    expect(rows(page)).to_have_count(50)
    process = fragile.stack.api_processes[0]
    process.terminate()
    page.keyboard.press("]")
    expect(page.get_by_role("status").filter(has_text="The server does not answer.")).to_be_visible()
    expect(rows(page)).to_have_count(50)
    process.start()
    fragile.stack.wait_until_ready()
    expect(page.get_by_role("status").filter(has_text="The server does not answer.")).to_have_count(
        0, timeout=patience.seconds(30) * 1000
    )
    expect(rows(page)).to_have_count(10)
