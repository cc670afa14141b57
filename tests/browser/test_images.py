"""Images that lie elsewhere: shown, not shown, or switched off."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from app.demo import pictures
from tests.browser.conftest import Visitor
from tests.browser.elsewhere import Elsewhere
from tests.browser.test_history import rows
from tests.browser.test_result import panel
from tests.browser.watch import Watch
from tests.conftest import Account, only_embedded
from tests.http import own
from tools import patience


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    server = Elsewhere()
    yield server
    server.close()


@only_embedded
def test_an_image_of_another_server_learns_nothing_of_us(visitor: Visitor, watch: Watch, elsewhere: Elsewhere) -> None:
    watch.allow(elsewhere.url)
    visitor.account.record({"id": "p", "description": "A ball", "imageUrl": f"{elsewhere.url}/picture"})
    page = visitor.open("/?peek=p", ignore_https_errors=True)
    expect(panel(page).locator(".picture img")).to_have_js_property("naturalWidth", 40)
    expect(rows(page).locator(".picture img")).to_have_js_property("naturalWidth", 40)
    expect(page.locator(".placeholder")).to_have_count(0)
    assert elsewhere.asked == [("/picture", None)] * len(elsewhere.asked)


@only_embedded
def test_a_circle_of_redirects_has_a_quiet_placeholder(visitor: Visitor, watch: Watch, elsewhere: Elsewhere) -> None:
    watch.allow(elsewhere.url)
    watch.forgive("net::ERR_TOO_MANY_REDIRECTS /circle$")
    visitor.account.record(
        {"id": "circle", "description": "Round and round", "imageUrl": f"{elsewhere.url}/circle"},
        {"id": "after", "description": "And on", "createdAt": "2020-01-01T00:00:00Z"},
    )
    page = visitor.open(ignore_https_errors=True)
    expect(rows(page).first.locator(".placeholder:not([data-waiting])")).to_be_visible()
    page.keyboard.press("j")
    expect(panel(page).get_by_label("The image cannot be shown")).to_be_visible()
    page.keyboard.press("j")
    expect(panel(page)).to_contain_text("And on")
    assert {path for path, _ in elsewhere.asked} == {"/circle"}


@only_embedded
def test_an_image_of_50_mb_that_comes_slowly_stops_nobody(visitor: Visitor, watch: Watch, elsewhere: Elsewhere) -> None:
    watch.allow(elsewhere.url)
    watch.forgive("net::ERR_(CONTENT_LENGTH_MISMATCH|ABORTED) /large$")
    visitor.account.record(
        {"id": "large", "description": "Fifty megabytes", "imageUrl": f"{elsewhere.url}/large"},
        {"id": "after", "description": "And on", "createdAt": "2020-01-01T00:00:00Z"},
    )
    page = visitor.open(ignore_https_errors=True)
    expect(rows(page)).to_have_count(2)
    page.keyboard.press("j")
    expect(panel(page)).to_contain_text("Fifty megabytes")
    expect(panel(page).locator(".picture .placeholder")).to_be_visible()
    page.keyboard.press("a")
    expect(rows(page).first).to_contain_text("Accepted")
    expect(panel(page)).to_contain_text("And on")
    page.get_by_role("searchbox", name="Search").fill("nothing")
    page.keyboard.press("Enter")
    expect(rows(page)).to_have_count(0)
    page.go_back()
    expect(rows(page)).to_have_count(2)
    assert not elsewhere.large_ended.is_set() or elsewhere.asked.count(("/large", None)) > 1
    page.get_by_role("link", name="Exports", exact=True).click()
    expect(page.get_by_role("heading", name="Exports")).to_be_visible()


@pytest.fixture(scope="module", params=own.embedded)
def without_images(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with own.own_stack(request, tmp_path_factory, "without-images", {"SIGHTLOG_CONSOLE_IMAGES": "off"}) as account:
        yield account


def test_images_that_are_switched_off_are_not_asked_for(
    without_images: Account, watch: Watch, elsewhere: Elsewhere
) -> None:
    without_images.record(
        {"id": "theirs", "description": "Of others", "imageId": "x", "imageUrl": f"{elsewhere.url}/picture"},
        {"id": "ours", "createdAt": "2020-01-01T00:00:00Z", "imageUrl": f"{pictures.PATH}animals-0000.svg"},
    )
    page = Visitor(without_images, watch).open(ready=None, ignore_https_errors=True)
    for path in ("/", "/?as=grid", "/?peek=theirs", "/descriptions/theirs"):
        answer = page.goto(without_images.stack.url + path)
        assert answer
        policy = answer.headers["content-security-policy"].split("; ")
        assert "img-src 'self' data:" in policy
        why = "Images of other servers are switched off"
        expect(page.locator(f".picture[title='{why}'] .placeholder").first).to_be_visible()
        if "peek" in path or "descriptions" in path:
            expect(page.get_by_label(why)).to_be_visible()
        if "descriptions" not in path:
            expect(page.locator(".list .picture img")).to_have_js_property("naturalWidth", 640)
        page.wait_for_load_state("networkidle", timeout=patience.seconds(30) * 1000)
        assert page.locator(".picture img").count() == (0 if "descriptions" in path else 1)
    assert elsewhere.asked == []
