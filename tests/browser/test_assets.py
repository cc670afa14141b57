"""What a browser keeps of the console, and what it is told when the server has another version by now."""

import re

from playwright.sync_api import Page, Route, expect

from app.console import pages
from tests.browser.conftest import Visitor
from tests.browser.test_history import History, rows
from tests.browser.watch import Watch
from tests.conftest import only_embedded

pytestmark = only_embedded

CAME = """() => performance.getEntriesByType("resource")
  .filter(({ name, transferSize }) => name.includes("/assets/") && transferSize).map(({ name }) => name)"""


def upgrade(page: Page) -> None:
    """From now on the server knows nothing of the version of this page."""

    def other(route: Route) -> None:
        route.continue_(url=route.request.url.replace(pages.digest(), "0" * 16))

    page.context.route(f"**/assets/{pages.digest()}/**", other)


def test_a_second_visit_loads_no_file_again(visitor: Visitor, history: History) -> None:
    page = visitor.open()
    expect(rows(page)).to_have_count(50)
    expect(page.locator("canvas")).to_be_attached()
    assert len(page.evaluate(CAME)) > 40
    page.goto(page.url)
    expect(rows(page)).to_have_count(50)
    expect(page.locator("canvas")).to_be_attached()
    assert page.evaluate(CAME) == []


def test_a_page_that_is_open_over_an_upgrade(visitor: Visitor, history: History, watch: Watch) -> None:
    watch.forgive("status of 404 .*/(exports/page.js|favicon.svg)$")
    page = visitor.open(f"/?peek={history[0]['id']}")
    expect(page.locator("canvas")).to_be_attached()
    upgrade(page)
    page.keyboard.press("j")
    expect(page.get_by_role("complementary", name="Result")).to_contain_text(history[1]["id"])
    page.get_by_role("link", name="Exports", exact=True).click()
    told = page.get_by_role("status").filter(has_text="Sightlog was upgraded while this page was open.")
    expect(told).to_be_visible()
    page.go_back()
    expect(rows(page)).to_have_count(50)
    page.go_forward()
    page.context.unroute_all()
    told.get_by_role("button", name="Load the page again").click()
    expect(page.get_by_role("heading", name="Exports")).to_be_visible()
    expect(told).to_have_count(0)


def test_a_page_whose_files_do_not_come_says_what_to_do(visitor: Visitor, watch: Watch) -> None:
    watch.forgive("status of 404 .*/assets/|^Refused to .*/assets/.*MIME type")
    page = visitor.open()
    upgrade(page)
    page.reload()
    in_vain = page.get_by_text("Is nothing to be seen but this?")
    expect(in_vain).to_be_visible()
    page.context.unroute_all()
    page.get_by_role("link", name="Load the page again").click()
    expect(page.get_by_role("heading", name="History")).to_be_attached()
    expect(in_vain).to_have_count(0)
    expect(page).to_have_url(re.compile("/$"))
