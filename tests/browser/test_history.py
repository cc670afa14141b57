"""The history: found, narrowed, paged, and the whole view in its URL."""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from tests.browser.conftest import PHONE, Visitor

History = list[dict[str, Any]]
DASH = "\N{EN DASH}"


def rows(page: Page) -> Locator:
    return page.get_by_role("table", name="Results").locator("tbody tr")


def total(page: Page, number: int) -> None:
    expect(page.locator(".total")).to_have_text(re.compile(rf"^\s*{number:,} results? in \d+ ms\s*$"))


def query(page: Page) -> dict[str, list[str]]:
    return parse_qs(urlsplit(page.url).query)


def text_of(result: dict[str, Any]) -> str:
    text: str = result["description"]
    return re.sub(r"\s+", " ", text)


def test_the_newest_come_first_with_their_pictures(visitor: Visitor, history: History) -> None:
    page = visitor.open()
    total(page, len(history))
    expect(rows(page)).to_have_count(50)
    for place in (0, 1, 49):
        row = rows(page).nth(place)
        expect(row).to_contain_text(text_of(history[place])[:60])
        score = history[place]["confidence_score"]
        expect(row.locator("td.number")).to_have_text(DASH if score is None else f"{score:.2f}")
    first = next(place for place, one in enumerate(history) if one["image_url"])
    picture = rows(page).nth(first).locator("img")
    expect(picture).to_have_js_property("naturalWidth", 640)
    assert picture.get_attribute("src") == visitor.account.stack.url + history[first]["image_url"]
    assert (picture.get_attribute("referrerpolicy"), picture.get_attribute("loading")) == ("no-referrer", "lazy")


def test_hits_of_a_search_are_highlighted(visitor: Visitor, history: History) -> None:
    page = visitor.open()
    found = [one for one in history if "dog" in one["description"].lower()]
    assert 3 < len(found) < 50
    page.keyboard.press("/")
    page.keyboard.type("dog")
    total(page, len(found))
    expect(rows(page)).to_have_count(len(found))
    marks = page.locator("tbody mark")
    assert {mark.lower() for mark in marks.all_inner_texts()} == {"dog"}
    assert query(page) == {"q": ["dog"]}
    page.reload()
    expect(page.get_by_label("Search texts")).to_have_value("dog")
    total(page, len(found))


def test_pages_go_on_and_back(visitor: Visitor, history: History) -> None:
    page = visitor.open()
    expect(page.locator(".pager .range").first).to_have_text(f"1{DASH}50")
    page.get_by_role("button", name="Next page").first.click()
    expect(rows(page).first).to_contain_text(text_of(history[50])[:60])
    expect(page.locator(".pager .range").first).to_have_text(f"51{DASH}100")
    page.go_back()
    expect(rows(page).first).to_contain_text(text_of(history[0])[:60])
    page.get_by_role("button", name="Last page").first.click()
    expect(rows(page).last).to_contain_text(text_of(history[-1])[:60])
    expect(page.get_by_role("button", name="Next page").first).to_be_disabled()
    page.keyboard.press("[")
    expect(rows(page)).to_have_count(50)
    expect(rows(page).last).not_to_contain_text(text_of(history[-1])[:60])


def test_a_day_can_be_gone_to(visitor: Visitor, history: History) -> None:
    page = visitor.open()
    day = f"{history[90]['created_at']:%Y-%m-%d}"
    first = next(one for one in history if f"{one['created_at']:%Y-%m-%d}" <= day)
    page.get_by_label("Go to").first.fill(day)
    page.keyboard.press("Enter")
    expect(rows(page).first).to_contain_text(text_of(first)[:60])
    assert query(page) == {"at": [day]}
    page.get_by_role("button", name="Previous page").first.click()
    expect(rows(page).first).not_to_contain_text(text_of(first)[:60])


@pytest.mark.parametrize(("group", "key"), [("Type", "type"), ("Source", "source_type")])
def test_bars_count_and_filter(visitor: Visitor, history: History, group: str, key: str) -> None:
    page = visitor.open()
    counts = Counter(one[key] for one in history)
    bars = page.get_by_role("list", name=group, exact=True)
    for name, count in counts.items():
        expect(bars.get_by_role("button", name=name)).to_have_text(re.compile(rf"{name}\s*{count}$"))
    name, count = counts.most_common()[-1]
    bars.get_by_role("button", name=name).click()
    total(page, count)
    expect(bars.get_by_role("button", name=name)).to_have_attribute("aria-pressed", "true")
    assert list(query(page).values()) == [[name]]
    page.get_by_role("list", name="Filters that apply").get_by_role("link").or_(
        page.get_by_role("list", name="Filters that apply").get_by_role("button")
    ).first.click()
    total(page, len(history))
    page.go_back()
    total(page, count)


def test_scores_are_bars_too_and_the_least_certain_come_first(visitor: Visitor, history: History) -> None:
    page = visitor.open()
    scored = sorted(
        (one for one in history if one["confidence_score"] is not None), key=lambda one: one["confidence_score"]
    )
    sure = [one for one in scored if one["confidence_score"] >= 0.9]
    bar = page.get_by_role("list", name="Score", exact=True).get_by_role("button", name=f"0.9 {DASH} 1.0")
    expect(bar).to_have_text(re.compile(rf"{len(sure)}$"))
    bar.click()
    total(page, len(sure))
    page.go_back()
    page.get_by_label("Order").select_option("Least certain first")
    for place in (0, 5):
        expect(rows(page).nth(place).locator("td.number")).to_have_text(f"{scored[place]['confidence_score']:.2f}")
    assert query(page) == {"order": ["uncertain"]}
    page.get_by_role("button", name="Next page").first.click()
    expect(rows(page).first.locator("td.number")).not_to_have_text(f"{scored[0]['confidence_score']:.2f}")


def test_days_are_chosen_by_fields(visitor: Visitor, history: History) -> None:
    page = visitor.open()
    first, last = (f"{history[place]['created_at']:%Y-%m-%d}" for place in (120, 60))
    days = [f"{one['created_at']:%Y-%m-%d}" for one in history]
    for label, day in (("From", first), ("To", last)):
        page.get_by_label(label, exact=True).fill(day)
        page.keyboard.press("Enter")
        expect(page).to_have_url(re.compile(day))
    total(page, sum(first <= day <= last for day in days))
    assert query(page) == {"from": [first], "to": [last]}


def test_the_days_never_lie_over_the_list(visitor: Visitor, history: History) -> None:
    """As they would without their style sheet."""
    page = visitor.open("/exports")
    held: list[Route] = []
    page.route("**/uplot.css", lambda route: held.append(route))
    with page.expect_request("**/uplot.css"):
        page.goto(visitor.account.stack.url)
    page.get_by_label("Select all on this page").check()
    expect(page.locator(".timeline .u-wrap")).to_have_count(0)
    held[0].continue_()
    expect(page.locator(".timeline .u-wrap")).to_be_visible()


def test_days_are_chosen_by_dragging(visitor: Visitor, history: History) -> None:
    page = visitor.open()
    expect(rows(page)).to_have_count(50)
    chart = page.locator(".timeline .u-over")
    box = chart.bounding_box()
    assert box
    page.mouse.move(box["x"] + box["width"] * 0.25, box["y"] + box["height"] / 2)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + box["height"] / 2, steps=5)
    page.mouse.up()
    expect(page).to_have_url(re.compile("from="))
    chosen = query(page)
    first, last = chosen["from"][0][:10], chosen["to"][0][:10]
    days = [f"{one['created_at']:%Y-%m-%d}" for one in history]
    inside = sum(first <= day <= last for day in days)
    assert 0.1 * len(history) < inside < 0.45 * len(history)
    total(page, inside)
    page.go_back()
    total(page, len(history))


def test_metadata_narrows(visitor: Visitor, history: History) -> None:
    page = visitor.open()
    found = [one for one in history if one["metadata"]["model"] == "lookout-ocr"]
    field = page.get_by_label("Metadata, as path=value")
    field.fill("no condition")
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="path=value")).to_be_visible()
    field.fill("model=lookout-ocr")
    page.keyboard.press("Enter")
    total(page, len(found))


def test_failed_ones_are_shown_if_asked_for(visitor: Visitor) -> None:
    visitor.account.record(
        {"id": "good", "description": "A red door"},
        {"id": "bad", "status": "FAILED", "errorMessage": "The image address answered 404."},
    )
    page = visitor.open()
    total(page, 1)
    page.get_by_label("Failed ones too").check()
    total(page, 2)
    expect(rows(page).filter(has_text="The image address answered 404.")).to_contain_text("Failed")


def test_the_grid_shows_the_same(visitor: Visitor, history: History) -> None:
    page = visitor.open()
    page.get_by_role("button", name="Grid").click()
    cards = page.get_by_role("list", name="Results").get_by_role("listitem")
    expect(cards).to_have_count(50)
    expect(cards.first).to_contain_text(text_of(history[0])[:40])
    assert query(page) == {"as": ["grid"]}
    page.keyboard.press("t")
    expect(rows(page)).to_have_count(50)


def test_a_view_is_its_address(visitor: Visitor, history: History) -> None:
    address = "/?q=the&type=description&from=2026-09-01&order=oldest&as=grid"
    page = visitor.open(address)
    found = [
        one
        for one in history
        if "the" in one["description"].lower()
        and one["type"] == "description"
        and f"{one['created_at']:%Y-%m}" >= "2026-09"
    ]
    total(page, len(found))
    expect(page.get_by_role("list", name="Results").get_by_role("listitem").first).to_contain_text(
        text_of(found[-1])[:30]
    )
    assert urlsplit(page.url).query == address[2:]


def test_new_results_are_announced_and_nothing_moves(visitor: Visitor, history: History) -> None:
    page = visitor.open()
    expect(rows(page)).to_have_count(50)
    fresh = [{"id": f"new {n}", "createdAt": f"2026-11-25T10:00:{n:02}Z", "description": f"New {n}"} for n in range(12)]
    visitor.account.record(*fresh)
    page.evaluate("document.dispatchEvent(new Event('visibilitychange'))")  # as when somebody comes back to the tab
    expect(page.get_by_role("button", name="12 new")).to_be_visible()
    expect(rows(page).first).to_contain_text(text_of(history[0])[:60])
    page.get_by_role("button", name="12 new").click()
    expect(rows(page).first).to_contain_text("New 11")
    total(page, len(history) + 12)
    expect(page.get_by_role("button", name="12 new")).to_have_count(0)


def test_an_empty_history_says_how_to_fill_it(visitor: Visitor) -> None:
    page = visitor.open()
    expect(page.locator("main")).to_contain_text("There are no results yet.")
    expect(page.locator("main")).to_contain_text("sightlog import")


def test_it_can_be_used_on_a_phone(visitor: Visitor, history: History, screenshot: Callable[[Page, str], None]) -> None:
    page = visitor.open(viewport=PHONE, has_touch=True, is_mobile=True)
    total(page, len(history))
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.get_by_role("button", name="Filters").tap()
    page.get_by_role("list", name="Type", exact=True).get_by_role("button", name="rule").tap()
    total(page, sum(one["type"] == "rule" for one in history))
    rows(page).first.get_by_role("link").tap()
    expect(page.get_by_role("complementary", name="Result")).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
    page.get_by_role("button", name="Close", exact=True).tap()
    expect(page.get_by_role("complementary", name="Result")).to_have_count(0)
