"""All that a person does with the console, by the keyboard alone, who sees at each step where the focus is."""

import csv
import re
from pathlib import Path

from playwright.sync_api import Locator, Page, expect

from app import auth
from app.models import Scope
from tests.browser.conftest import Visitor
from tests.browser.test_exports import done, site  # noqa: F401
from tests.browser.test_history import History, rows, total
from tests.browser.test_keys import row_of, told, viewer
from tests.browser.test_result import panel, shows
from tests.browser.test_review import reviews

MOST_STEPS = 150
SEEN = """focused => {
    const style = getComputedStyle(focused), {left, top, width, height} = focused.getBoundingClientRect();
    const marked = style.outlineStyle !== "none" && style.outlineWidth !== "0px" || style.boxShadow !== "none"
        || focused.matches("main") || getComputedStyle(focused.parentElement).outlineStyle !== "none";
    const there = document.elementFromPoint(left + width / 2, top + Math.min(height / 2, innerHeight - top - 1));
    return [marked ? "" : "not marked", there && (focused.contains(there) || there.contains(focused)) ? "" : "covered"]
        .filter(Boolean).map(fault => `${fault}: ${focused.outerHTML.slice(0, 200)}`);
}"""


def focused(page: Page) -> Locator:
    return page.locator(":focus")


def seen(page: Page) -> None:
    """Whatever has the focus is marked, in the window, and under nothing else."""
    assert focused(page).evaluate(SEEN) == []


def go_to(target: Locator, key: str = "Tab") -> None:
    """Presses Tab until the target has the focus, and looks at each place on the way."""
    page = target.page
    target.wait_for()
    for _ in range(MOST_STEPS):
        if target.evaluate("element => element === document.activeElement"):
            return seen(page)
        page.keyboard.press(key)
        if focused(page).count():
            seen(page)
    raise AssertionError(f"{key} does not lead to {target}")


def press(target: Locator, key: str = "Enter") -> None:
    go_to(target)
    target.page.keyboard.press(key)


def test_everything_is_done_by_keys(site: Visitor, history: History, tmp_path: Path) -> None:  # noqa: F811
    page = site.open(scope=None)
    expect(page.get_by_label("API key")).to_be_focused()
    page.keyboard.type(site.account.keys[Scope.ADMIN])
    page.keyboard.press("Enter")
    total(page, len(history))

    page.keyboard.press("/")
    expect(page.get_by_role("searchbox")).to_be_focused()
    seen(page)
    page.keyboard.type("met")
    page.keyboard.press("Enter")
    expect(page).to_have_url(re.compile(r"\?q=met$"))
    page.keyboard.press("Escape")
    found = [one for one in history if re.search(r"\bmet\b", one["description"], re.IGNORECASE)]
    total(page, len(found))
    filters = page.get_by_role("complementary", name="Filters")
    go_to(filters.get_by_role("list", name="Type").get_by_role("button", name="rule"), "Shift+Tab")
    page.keyboard.press("Enter")
    found = [one for one in found if one["type"] == "rule"]
    assert len(found) > 3
    total(page, len(found))

    press(rows(page).first.get_by_role("link"))
    shows(page, found[0])
    expect(panel(page)).to_be_focused()
    seen(page)
    page.keyboard.press("j")
    shows(page, found[1])
    page.keyboard.press("ArrowUp")
    shows(page, found[0])
    press(panel(page).get_by_role("button", name="Accept"))
    shows(page, found[1])
    expect(panel(page)).to_be_focused()
    page.keyboard.press("e")
    field = panel(page).get_by_label("Correct text")
    expect(field).to_be_focused()
    seen(page)
    page.keyboard.type(" Discarded.")
    press(panel(page).get_by_role("button", name="Discard"))
    expect(panel(page).get_by_role("button", name="Correct")).to_be_focused()
    page.keyboard.press("e")
    page.keyboard.type(" And more.")
    page.keyboard.press("Control+Enter")
    shows(page, found[2])
    expect(panel(page)).to_be_focused()
    seen(page)
    assert [review["verdict"] for one in found[:2] for review in reviews(site, one)] == ["ACCEPTED", "CORRECTED"]
    assert reviews(site, found[1])[0]["text"] == found[1]["description"] + " And more."
    page.keyboard.press("Escape")
    expect(panel(page)).to_have_count(0)
    expect(rows(page).nth(2).get_by_role("link")).to_be_focused()

    go_to(page.get_by_role("button", name="Export", exact=True), "Shift+Tab")
    page.keyboard.press("Enter")
    dialog = page.get_by_role("dialog", name="Export what you see")
    press(dialog.get_by_role("checkbox", name="metadata", exact=True), "Space")
    press(dialog.get_by_role("button", name="Start the export"))
    expect(page.get_by_role("button", name="Export", exact=True)).to_be_focused()
    go_to(page.get_by_role("link", name="Exports", exact=True), "Shift+Tab")
    page.keyboard.press("Enter")
    row = done(page)
    with page.expect_download() as downloading:
        press(row.get_by_role("link", name="Download"))
    file = tmp_path / "export.csv"
    downloading.value.save_as(file)
    with file.open(newline="") as lines:
        assert [one["id"] for one in csv.DictReader(lines)] == [one["id"] for one in found]

    go_to(page.get_by_role("link", name="Keys", exact=True), "Shift+Tab")
    page.keyboard.press("Enter")
    press(page.get_by_role("button", name="Create a key"))
    dialog = page.get_by_role("dialog", name="Create a key")
    go_to(dialog.get_by_label("Name"))
    page.keyboard.type("by keys")
    go_to(dialog.get_by_label("Requests a minute"))
    page.keyboard.type("40")
    page.keyboard.press("Enter")
    made = page.get_by_role("dialog", name="Your new key")
    key = made.get_by_label("New key").inner_text()
    press(made.get_by_role("button", name="I have copied it"))
    expect(page.get_by_role("button", name="Create a key")).to_be_focused()
    press(page.get_by_role("button", name=f"Change the limit of {auth.prefix_of(key)}"))
    go_to(page.get_by_role("dialog", name="Limit this key").get_by_label("Requests a minute"))
    page.keyboard.press("Control+A")
    page.keyboard.type("25")
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=f"Change the limit of {auth.prefix_of(key)}")).to_be_focused()
    assert told(site, key) == "25"
    press(row_of(page, auth.prefix_of(key)).get_by_role("button", name="Revoke"))
    press(page.get_by_role("dialog", name="Revoke this key?").get_by_role("button", name="Revoke"))
    expect(row_of(page, auth.prefix_of(key))).to_contain_text("Revoked")
    assert viewer(site, key) is None

    account = page.get_by_label(f"Account {site.account.name}")
    go_to(account, "Shift+Tab")
    page.keyboard.press("Enter")
    go_to(page.get_by_role("button", name="Sign out"))
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Sign out")).to_be_hidden()
    expect(account).to_be_focused()
    page.keyboard.press("Enter")
    press(page.get_by_role("button", name="Sign out"))
    expect(page.get_by_label("API key")).to_be_focused()
