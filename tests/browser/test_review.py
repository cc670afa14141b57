"""Reviewing: by keys and by mouse, one by one and all that match."""

import re
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from app.models import Scope
from tests.browser.conftest import Visitor
from tests.browser.test_history import History, rows, total
from tests.browser.test_result import panel, shows
from tests.conftest import only_embedded

pytestmark = only_embedded

REVIEWS = "query($id: ID!) { description(id: $id) { reviewState reviews { verdict text note by } } }"


def reviews(visitor: Visitor, result: dict[str, Any]) -> Any:
    return visitor.account.graphql(REVIEWS, id=result["id"])["description"]["reviews"]


def state(page: Page, place: int) -> str:
    return rows(page).nth(place).locator("td.state").inner_text().strip()


def test_keys_accept_and_reject_and_the_next_one_comes(visitor: Visitor, history: History) -> None:
    page = visitor.open()
    rows(page).first.click()
    shows(page, history[0])
    page.keyboard.press("a")
    shows(page, history[1])
    page.keyboard.press("r")
    shows(page, history[2])
    assert [state(page, place) for place in range(3)] == ["Accepted", "Rejected", "Unreviewed"]
    by = visitor.account.keys[Scope.WRITE][:17]
    assert reviews(visitor, history[0]) == [{"verdict": "ACCEPTED", "text": None, "note": None, "by": by}]
    assert reviews(visitor, history[1]) == [{"verdict": "REJECTED", "text": None, "note": None, "by": by}]
    page.keyboard.press("k")
    page.keyboard.press("a")
    shows(page, history[2])
    assert [review["verdict"] for review in reviews(visitor, history[1])] == ["ACCEPTED", "REJECTED"]


def test_a_text_is_corrected_with_a_note(visitor: Visitor, history: History) -> None:
    page = visitor.open(f"/?peek={history[0]['id']}")
    expect(panel(page).get_by_role("button", name="Correct")).to_be_visible()
    page.keyboard.press("n")
    page.keyboard.type("A cat, clearly.")
    page.keyboard.press("Escape")
    page.keyboard.press("e")
    field = panel(page).get_by_label("Correct text")
    expect(field).to_have_value(history[0]["description"])
    field.fill("A ginger cat on a sandy beach.")
    page.keyboard.press("Control+Enter")
    shows(page, history[1])
    (review,) = reviews(visitor, history[0])
    assert (review["verdict"], review["text"]) == ("CORRECTED", "A ginger cat on a sandy beach.")
    assert review["note"] == "A cat, clearly."
    page.goto(visitor.account.stack.url + f"/descriptions/{history[0]['id']}")
    section = page.locator("section", has=page.get_by_role("heading", name="Reviews"))
    expect(section).to_contain_text("A cat, clearly.")
    expect(section.locator("ins").first).to_be_visible()


def test_the_queue_has_the_least_certain_first(visitor: Visitor, history: History) -> None:
    page = visitor.open()
    page.get_by_role("link", name="Review, least certain first").click()
    scored = sorted(
        (one for one in history if one["confidence_score"] is not None), key=lambda one: one["confidence_score"]
    )
    expect(rows(page).first.locator("td.number")).to_have_text(f"{scored[0]['confidence_score']:.2f}")
    page.keyboard.press("j")
    shows(page, scored[0])
    panel(page).get_by_role("button", name="Reject").click()
    shows(page, scored[1])
    # What was reviewed stays in its place until the list is read anew.
    expect(rows(page).first).to_contain_text("Rejected")
    expect(page.locator("aside", has_text="Status")).to_contain_text(f"1 of {len(history)} reviewed")
    page.reload()
    total(page, len(history) - 1)
    expect(page.get_by_role("list", name="Review state").get_by_role("button", name="Rejected")).to_contain_text("1")


@pytest.mark.parametrize("width", [1280, 390])
def test_no_row_moves_under_the_hand_that_selects(visitor: Visitor, history: History, width: int) -> None:
    page = visitor.open()
    page.set_viewport_size({"width": width, "height": 800})
    box = rows(page).nth(1).get_by_role("checkbox")
    box.scroll_into_view_if_needed()
    total(page, len(history))
    before = box.bounding_box()
    box.check()
    bulk = page.get_by_role("region", name="Selected results")
    expect(bulk).to_contain_text("1 here selected")
    assert box.bounding_box() == before
    page.mouse.wheel(0, 600)
    expect(bulk).to_be_in_viewport(ratio=1)


def test_some_of_a_page_are_reviewed_together(visitor: Visitor, history: History) -> None:
    page = visitor.open()
    for place in (0, 2):
        rows(page).nth(place).get_by_role("checkbox").check()
    bulk = page.get_by_role("region", name="Selected results")
    expect(bulk).to_contain_text("2 here selected")
    bulk.get_by_role("button", name="Accept").click()
    expect(page.get_by_role("status").filter(has_text="2 results accepted.")).to_be_visible()
    assert [state(page, place) for place in range(3)] == ["Accepted", "Unreviewed", "Accepted"]


def test_all_that_match_are_reviewed_in_two_steps(visitor: Visitor, history: History) -> None:
    found = [one for one in history if one["type"] == "description"]
    page = visitor.open("/?type=description")
    total(page, len(found))
    page.get_by_label("Select all on this page").check()
    bulk = page.get_by_role("region", name="Selected results")
    expect(bulk).to_contain_text("50 here selected")
    bulk.get_by_role("button", name=f"Select all {len(found)} matching").click()
    bulk.get_by_role("button", name="Reject").click()
    dialog = page.get_by_role("dialog", name=f"Reject all {len(found)} results?")
    visitor.account.record({"id": "late", "description": "Recorded meanwhile", "createdAt": "2026-11-24T10:00:00Z"})
    dialog.get_by_role("button", name=f"Reject {len(found)}").click()
    expect(dialog.get_by_role("alert")).to_contain_text(re.compile(rf"{len(found) + 1}\b.*\b{len(found)}\b"))
    dialog.get_by_role("button", name="Leave it").click()
    page.reload()
    total(page, len(found) + 1)
    page.get_by_label("Select all on this page").check()
    bulk.get_by_role("button", name=f"Select all {len(found) + 1} matching").click()
    bulk.get_by_role("button", name="Reject").click()
    page.get_by_role("dialog").get_by_role("button", name=f"Reject {len(found) + 1}").click()
    expect(page.get_by_role("status").filter(has_text=f"{len(found) + 1} results rejected.")).to_be_visible()
    counts = visitor.account.graphql("{ statistics { reviewCounts { state count } } }")["statistics"]["reviewCounts"]
    assert {"state": "REJECTED", "count": len(found) + 1} in counts


def test_a_key_that_only_reads_is_told_so(visitor: Visitor, history: History) -> None:
    page = visitor.open(f"/?peek={history[0]['id']}", Scope.READ)
    expect(panel(page)).to_contain_text("Your key may read only")
    page.keyboard.press("a")
    shows(page, history[0])
    assert reviews(visitor, history[0]) == []
