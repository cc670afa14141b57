"""What is recorded, linked, or done to the server by whoever means harm, or no harm at all."""

import re
from itertools import islice

import pytest
from playwright.sync_api import Locator, Page, expect

from app import auth
from app.engine.db import Database
from app.history import recording
from app.history.recording import Result
from app.models import Scope
from tests.browser.conftest import Visitor, sign_in
from tests.browser.test_history import History, rows, total
from tests.browser.test_result import panel, shows
from tests.browser.watch import Watch
from tests.commands import sightlog
from tests.conftest import only_embedded

pytestmark = only_embedded

MARKUP = "<img src=x onerror=\"document.title='harmed'\"><script>document.title='harmed'</script><b>bold</b>"


def test_an_address_full_of_nonsense(visitor: Visitor, history: History) -> None:
    page = visitor.open(
        "/?min=much&from=2025-02-30&review=perhaps&meta=model&order=sideways&wanted=1&at=never&type=rule"
    )
    alert = page.locator("main").get_by_role("alert")
    expect(alert).to_contain_text("Not all of this address is understood; the rest applies.")
    for name in (
        "min=much",
        "from=2025-02-30",
        "review=perhaps",
        "meta=model",
        "order=sideways",
        "wanted=1",
        "at=never",
    ):
        expect(alert).to_contain_text(name)
    total(page, sum(one["type"] == "rule" for one in history))
    alert.get_by_role("button", name="Tidy the address").click()
    expect(page).to_have_url(re.compile(r"/\?type=rule$"))
    expect(page.get_by_role("alert").filter(has_text="understood")).to_have_count(0)


@pytest.mark.parametrize("cursor", ["nonsense", "MQ", "x" * 300, "%00", "2025-01-01"])
def test_a_place_that_never_was(visitor: Visitor, history: History, watch: Watch, cursor: str) -> None:
    watch.forgive("status of 4\\d\\d .* /graphql$")
    page = visitor.open(f"/?after={cursor}")
    expect(page.locator("main").get_by_role("alert").first).to_be_visible()
    page.get_by_role("link", name="Begin at the first page").click()
    expect(rows(page)).to_have_count(50)


@pytest.mark.parametrize(
    "path", ["/descriptions/none", "/descriptions/%00", "/descriptions/" + "x" * 300, "/descriptions/a%2Fb"]
)
def test_a_result_that_never_was(visitor: Visitor, watch: Watch, path: str) -> None:
    watch.forgive("status of 4\\d\\d .* /graphql$")
    page = visitor.open(path)
    expect(page.locator("main")).to_contain_text(re.compile("no result of the id|must not|may not|not valid|at most"))


def test_markup_in_texts_and_metadata_is_text(visitor: Visitor) -> None:
    metadata = {MARKUP: MARKUP, "list": [MARKUP], "__proto__": 1, "constructor": {"prototype": None}}
    visitor.account.record(
        {
            "id": "m",
            "description": MARKUP,
            "type": MARKUP[:200],
            "sourceType": MARKUP[:200],
            "imageId": MARKUP[:200],
            "metadata": metadata,
        }
    )
    page = visitor.open()
    expect(rows(page)).to_contain_text(MARKUP)
    rows(page).click()
    expect(panel(page)).to_contain_text("__proto__")
    page.goto(visitor.account.stack.url + "/descriptions/m")
    expect(page.get_by_role("heading", name="Metadata")).to_be_visible()
    assert "harmed" not in page.title() or MARKUP[:20] in page.title()
    assert page.locator("main b, main script, main img[src=x]").count() == 0


@pytest.mark.parametrize(
    "url",
    [
        "javascript:document.title='harmed'",
        "http://pictures.example/a.png",
        "file:///etc/passwd",
        "//pictures.example/a.png",
        "data:text/html,<script>alert(1)</script>",
        "not a url",
        "/demo/images/none-0.svg",
    ],
)
def test_an_image_that_cannot_be_shown_has_a_quiet_placeholder(visitor: Visitor, watch: Watch, url: str) -> None:
    watch.forgive("status of 404 .*/(demo/images/none-0.svg|not%20a%20url)$")
    visitor.account.record({"id": "i", "description": "A picture", "imageUrl": url})
    page = visitor.open("/?peek=i")
    expect(panel(page).get_by_label("The image cannot be shown")).to_be_visible()
    expect(rows(page).locator(".placeholder")).to_be_attached()
    assert page.locator("a[href^='javascript' i], a[href^='data:' i], a[href^='file:' i]").count() == 0


def test_a_text_of_a_megabyte_is_shown_in_part(visitor: Visitor) -> None:
    text = "dog " * 249_000 + "end"
    visitor.account.record({"id": "long", "description": text})
    page = visitor.open("/?q=dog&peek=long")
    more = panel(page).get_by_role("button", name="Show all 996,003 characters")
    expect(more).to_be_visible()
    assert len(panel(page).locator("p.text").inner_text()) < 5000
    more.click()
    expect(panel(page).locator("p.text")).to_contain_text(re.compile("end$"))
    page.keyboard.press("Escape")
    expect(panel(page)).to_have_count(0)


def test_a_text_that_runs_from_right_to_left(visitor: Visitor) -> None:
    text = "\u05db\u05dc\u05d1 \u05d7\u05d5\u05dd \u202e dog \u202c 12%"
    visitor.account.record({"id": "rtl", "description": text, "type": "\u0635\u0648\u0631\u0629"})
    page = visitor.open("/?peek=rtl")
    for told in (rows(page).get_by_role("link"), panel(page).locator("p.text")):
        expect(told).to_contain_text(text)
        assert told.evaluate("element => getComputedStyle(element).direction") == "rtl"
    assert page.locator("body").evaluate("element => getComputedStyle(element).direction") == "ltr"


def facet(page: Page, name: str) -> Locator:
    filters = page.get_by_role("complementary", name="Filters")
    return filters.locator("section", has=page.get_by_role("heading", name=name))


def test_more_sources_than_can_be_listed(visitor: Visitor, database: Database) -> None:
    made = ({"id": f"s{n}", "source_type": f"source {n}", "created_at": "2025-01-15T10:30:00Z"} for n in range(100_000))
    while batch := list(islice(made, recording.MAX_BATCH)):
        with database.write() as session:
            recording.record(session, visitor.account.id, [Result.model_validate(one) for one in batch])
    page = visitor.open()
    total(page, 100_000)
    sources = facet(page, "Source")
    expect(sources).to_contain_text("Only the 1,000 largest are listed.")
    expect(facet(page, "Type")).not_to_contain_text("largest")
    sources.get_by_role("button", name="990 more").click()
    assert sources.get_by_role("listitem").count() == 200
    find = sources.get_by_label("Find in Source")
    find.fill("source 12")
    expect(sources.get_by_role("listitem").first).to_contain_text("source 12")
    find.fill("source 98765")
    sources.get_by_role("button", name="source 98765").click()
    expect(page).to_have_url(re.compile(r"\?source=source\+98765$"))
    total(page, 1)
    page = visitor.open("/?source=source+99999")
    total(page, 1)
    expect(rows(page)).to_have_count(1)
    chosen = facet(page, "Source").get_by_role("button", name="source 99999")
    expect(chosen).to_have_attribute("aria-pressed", "true")
    expect(chosen).to_have_text("source 99999")  # and no count, for none is known
    chosen.click()
    total(page, 100_000)


def test_a_session_that_ends_in_the_middle_of_a_correction(visitor: Visitor, history: History, watch: Watch) -> None:
    watch.forgive("status of 401 .* /graphql$")
    page = visitor.open(f"/?peek={history[0]['id']}")
    shows(page, history[0])
    page.keyboard.press("e")
    page.keyboard.type(" And what I typed.")
    revoked = sightlog(visitor.account.stack, "keys", "revoke", auth.prefix_of(visitor.account.keys[Scope.WRITE]))
    assert revoked.exit_code == 0
    page.keyboard.press("Control+Enter")
    dialog = page.get_by_role("dialog", name="Sign in again")
    expect(dialog).to_contain_text("What you have typed is still here")
    dialog.get_by_label("API key").fill(visitor.account.keys[Scope.ADMIN])
    dialog.get_by_role("button", name="Sign in").click()
    shows(page, history[1])
    account = visitor.account
    account._client = account.connect(Scope.READ)
    answer = account.graphql("query($id: ID!) { description(id: $id) { reviews { text } } }", id=history[0]["id"])
    assert answer["description"]["reviews"] == [{"text": history[0]["description"] + " And what I typed."}]


def test_two_tabs_of_one_person(visitor: Visitor, history: History, watch: Watch) -> None:
    watch.forgive("status of 401 .* /graphql$")
    page = visitor.open()
    other = page.context.new_page()
    other.goto(page.url)
    rows(other).first.click()
    other.keyboard.press("r")
    shows(other, history[1])
    page.reload()
    expect(rows(page).first).to_contain_text("Rejected")
    other.get_by_label(f"Account {visitor.account.name}").click()
    other.get_by_role("button", name="Sign out").click()
    expect(other.get_by_role("heading", name="Sign in")).to_be_visible()
    page.get_by_role("button", name="Next page").first.click()
    expect(page.get_by_role("dialog", name="Sign in again")).to_be_visible()
    sign_in(page.context, visitor.account.stack.url, visitor.account.keys[Scope.WRITE])
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # signed in again in the other tab
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(rows(page).first).to_contain_text(re.sub(r"\s+", " ", history[50]["description"])[:40])
