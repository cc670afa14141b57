"""One result beside the list and on a page of its own, and what was ever said of its image."""

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.browser.conftest import Visitor
from tests.browser.test_history import History, query, rows, text_of
from tests.conftest import only_embedded

pytestmark = only_embedded


def panel(page: Page) -> Locator:
    return page.get_by_role("complementary", name="Result")


def shows(page: Page, result: dict[str, Any]) -> None:
    expect(panel(page)).to_contain_text(text_of(result)[:60])
    expect(page).to_have_url(re.compile(f"peek={result['id']}"))


def test_a_click_opens_a_result_and_keys_walk_the_list(visitor: Visitor, history: History) -> None:
    page = visitor.open()
    rows(page).nth(2).click()
    shows(page, history[2])
    for key, place in (("j", 3), ("ArrowDown", 4), ("ArrowRight", 5), ("k", 4), ("ArrowUp", 3), ("ArrowLeft", 2)):
        page.keyboard.press(key)
        shows(page, history[place])
    page.keyboard.press("Escape")
    expect(panel(page)).to_have_count(0)
    assert query(page) == {}
    page.keyboard.press("j")
    shows(page, history[0])


def test_next_and_previous_walk_the_filtered_list_over_its_pages(visitor: Visitor, history: History) -> None:
    found = [one for one in history if one["type"] == "description"]
    assert len(found) > 60
    page = visitor.open("/?type=description")
    rows(page).nth(48).click()
    for place in (49, 50, 51):
        page.get_by_role("button", name="Next result").click()
        shows(page, found[place])
    for place in (50, 49):
        page.get_by_role("button", name="Previous result").click()
        shows(page, found[place])
    assert query(page)["type"] == ["description"]


def test_a_row_is_a_link_that_opens_in_a_tab(visitor: Visitor, history: History) -> None:
    page = visitor.open()
    link = rows(page).first.get_by_role("link")
    with page.context.expect_page() as opened:
        link.click(modifiers=["ControlOrMeta"])
    expect(panel(page)).to_have_count(0)
    tab = opened.value
    expect(tab.locator("main")).to_contain_text(text_of(history[0])[:60])
    assert tab.url.endswith(f"/descriptions/{history[0]['id']}")
    tab.get_by_role("link", name="History").first.click()
    expect(rows(tab)).to_have_count(50)


def test_the_address_of_an_open_result_can_be_shared(visitor: Visitor, history: History) -> None:
    page = visitor.open(f"/?peek={history[7]['id']}")
    shows(page, history[7])
    page.go_back()
    assert page.url == "about:blank"


def test_all_of_a_result_is_seen_and_can_be_copied(visitor: Visitor, history: History) -> None:
    one = next(one for one in history if one["image_url"] and "camera" in one["metadata"])
    page = visitor.open(f"/descriptions/{one['id']}", permissions=["clipboard-read", "clipboard-write"])
    main = page.locator("main")
    expect(main.get_by_role("img").first).to_have_js_property("naturalWidth", 640)
    expect(main).to_contain_text(one["metadata"]["camera"]["site"])
    for name, text in (("text", one["description"]), ("id", one["id"]), ("image id", one["image_id"])):
        main.get_by_role("button", name=f"Copy {name}", exact=True).first.click()
        assert page.evaluate("navigator.clipboard.readText()") == text
    main.get_by_role("link", name=one["metadata"]["model"]).click()
    expect(page).to_have_url(re.compile("meta=model"))


def test_what_was_said_of_the_same_image_is_there_with_the_words_that_changed(visitor: Visitor) -> None:
    visitor.account.record(
        {
            "id": "first",
            "createdAt": "2026-03-01T10:00:00Z",
            "imageId": "i",
            "description": "A red tram on a quiet avenue",
        },
        {
            "id": "second",
            "createdAt": "2026-05-09T10:00:00Z",
            "imageId": "i",
            "description": "A red tram on a busy crossing",
        },
        {
            "id": "failed",
            "createdAt": "2026-06-09T10:00:00Z",
            "imageId": "i",
            "status": "FAILED",
            "errorMessage": "Timeout",
        },
        {"id": "other", "createdAt": "2026-05-09T10:00:00Z", "imageId": "j", "description": "A dog"},
    )
    page = visitor.open("/descriptions/second")
    said = page.locator("section", has=page.get_by_role("heading", name="Said of this image"))
    expect(said.get_by_role("listitem")).to_have_count(3)
    expect(said).to_contain_text(re.compile(r"from 1 Mar.* to 9 Jun"))
    expect(said).to_contain_text(re.compile(r"the texts agree by \d+ %"))
    expect(said.get_by_role("listitem").nth(0)).to_contain_text("Timeout")
    changed = said.get_by_role("listitem").nth(1)
    expect(changed.locator("del").first).to_be_visible()
    assert set(" ".join(changed.locator("del").all_inner_texts()).split()) == {"quiet", "avenue"}
    assert set(" ".join(changed.locator("ins").all_inner_texts()).split()) == {"busy", "crossing"}
    said.get_by_role("listitem").nth(2).get_by_role("link").first.click()
    expect(page).to_have_url(re.compile("/descriptions/first$"))
