"""The console behind a path, as a proxy serves it among others."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from app.demo import pictures
from app.models import Scope
from tests.browser.conftest import Visitor
from tests.browser.test_history import rows
from tests.browser.watch import Watch
from tests.conftest import Account
from tests.http import own

PREFIX = "/some/where"


@pytest.fixture(scope="module", params=own.embedded)
def prefixed(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    settings = {"SIGHTLOG_PUBLIC_URL": f"http://127.0.0.1{PREFIX}"}
    with own.own_stack(request, tmp_path_factory, "prefixed", settings) as account:
        account.record({"id": "a/b", "description": "A brown dog", "imageUrl": f"{pictures.PATH}animals-0000.svg"})
        yield account


def test_everything_is_below_the_path(prefixed: Account, watch: Watch) -> None:
    url = prefixed.stack.url + PREFIX
    page = Visitor(prefixed, watch).open(url=url)
    expect(rows(page).locator("img")).to_have_js_property("naturalWidth", 640)
    assert rows(page).locator("img").get_attribute("src") == f"{url}{pictures.PATH}animals-0000.svg"
    rows(page).get_by_role("link").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary", name="Result")).to_contain_text("A brown dog")
    page.get_by_role("link", name="Open as a page of its own").click()
    expect(page).to_have_url(f"{url}/descriptions/a%2Fb")
    page.reload()
    expect(page.locator("main")).to_contain_text("A brown dog")
    for name in ("Exports", "Keys", "GraphQL", "REST"):
        page.get_by_role("link", name=name, exact=True).first.click()
        page.wait_for_load_state("networkidle")
        assert page.url.startswith(url)
        page.goto(url + "/")


def test_the_form_signs_in_below_the_path(prefixed: Account, watch: Watch) -> None:
    page = Visitor(prefixed, watch).open(url=prefixed.stack.url + PREFIX, scope=None)
    page.get_by_label("API key").fill(prefixed.keys[Scope.READ])
    page.get_by_role("button", name="Sign in").click()
    expect(rows(page)).to_have_count(1)
