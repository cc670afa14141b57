"""That everybody can use the pages: axe, the keyboard alone, colours, motion."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import axe_playwright_python
import pytest
from playwright.sync_api import Page, expect

from app.models import Scope
from tests.browser.conftest import PHONE, WIDE, Visitor
from tests.browser.test_history import History, rows
from tests.conftest import only_embedded

pytestmark = only_embedded

AXE = (Path(axe_playwright_python.__file__).parent / "axe.min.js").read_text()
RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
FOUND = """rules => axe.run(document, {runOnly: rules, resultTypes: ["violations"]}).then(({violations}) =>
    violations.flatMap(({id, nodes}) => nodes.map(node => `${id}: ${node.target} ${node.failureSummary}`)))"""

Colours = Literal["light", "dark"]


def faults(page: Page) -> list[str]:
    """What axe-core finds wrong with the page as it is."""
    page.evaluate(AXE)
    found: list[str] = page.evaluate(FOUND, RULES)
    return found


PAGES = {
    "sign-in": ("/", None),
    "history": ("/", Scope.WRITE),
    "grid": ("/?as=grid", Scope.WRITE),
    "narrowed": ("/?q=the&type=rule&nonsense=1", Scope.WRITE),
    "nothing": ("/?q=nothing+of+the+kind", Scope.WRITE),
    "exports": ("/exports", Scope.WRITE),
    "keys": ("/keys", Scope.ADMIN),
    "no keys": ("/keys", Scope.READ),
    "no result": ("/descriptions/none", Scope.READ),
}


@pytest.mark.parametrize("colours", ["light", "dark"])
@pytest.mark.parametrize("name", PAGES)
def test_axe_finds_nothing(visitor: Visitor, history: History, name: str, colours: Colours) -> None:
    path, scope = PAGES[name]
    page = visitor.open(path, scope, color_scheme=colours)
    page.wait_for_load_state("networkidle")
    assert faults(page) == []


@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_axe_finds_nothing_beside_the_list(visitor: Visitor, history: History, size: Any) -> None:
    one = next(one for one in history if one["image_url"])
    for path in (f"/?peek={one['id']}", f"/descriptions/{one['id']}"):
        page = visitor.open(path, viewport=size)
        expect(page.get_by_role("heading", name="Said of this image")).to_be_visible()
        page.wait_for_load_state("networkidle")
        assert faults(page) == []


def test_axe_finds_nothing_in_dialogs(visitor: Visitor, history: History) -> None:
    page = visitor.open("/keys", Scope.ADMIN)
    page.get_by_role("button", name="Create a key").click()
    assert faults(page) == []
    page.goto(visitor.account.stack.url)
    page.get_by_role("button", name="Export").click()
    assert faults(page) == []
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Keyboard shortcuts").click()
    assert faults(page) == []
    page.keyboard.press("Escape")
    page.get_by_label("Select all on this page").check()
    assert faults(page) == []


def test_the_keyboard_alone_is_enough(visitor: Visitor, history: History) -> None:
    page = visitor.open()
    expect(rows(page)).to_have_count(50)
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("#main")).to_be_focused()
    rows(page).nth(3).get_by_role("link").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("complementary", name="Result")).to_be_visible()
    for _ in range(12):
        page.keyboard.press("Tab")
        outline = "getComputedStyle(document.activeElement)"
        assert page.evaluate(f"{outline}.outlineStyle !== 'none' || {outline}.boxShadow !== 'none'")


def test_the_sheet_of_keys_and_their_switch(visitor: Visitor, history: History) -> None:
    page = visitor.open()
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard")
    expect(sheet).to_contain_text("Accept")
    sheet.get_by_role("checkbox").uncheck()
    sheet.get_by_role("button", name="Close").click()
    page.keyboard.press("j")
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_have_count(0)
    expect(page.get_by_role("complementary", name="Result")).to_have_count(0)
    page.reload()
    expect(rows(page)).to_have_count(50)
    page.keyboard.press("j")
    expect(page.get_by_role("complementary", name="Result")).to_have_count(0)
    rows(page).first.click()
    page.keyboard.press("ArrowDown")
    expect(rows(page).nth(1)).to_have_attribute("data-open", "")
    page.keyboard.press("Escape")
    expect(page.get_by_role("complementary", name="Result")).to_have_count(0)


def background(page: Page) -> str:
    colour: str = page.evaluate("getComputedStyle(document.body).backgroundColor")
    return colour


def test_colours_follow_the_system_or_the_switch(visitor: Visitor) -> None:
    light, dark = (background(visitor.open(color_scheme=colours)) for colours in ("light", "dark"))
    assert light != dark
    page = visitor.open(color_scheme="light")
    for expected in (light, dark, light):  # light, dark, as the system
        page.get_by_role("button", name="Colours").click()
        assert background(page) == expected
    page.get_by_role("button", name="Colours").click()
    page.get_by_role("button", name="Colours").click()
    page.reload()
    assert background(page) == dark


def test_what_a_dialog_covers_is_out_of_reach(visitor: Visitor, history: History) -> None:
    page = visitor.open()
    page.get_by_role("button", name="Export").click()
    for _ in range(40):
        page.keyboard.press("Tab")
        assert page.evaluate("document.activeElement === document.body || !!document.activeElement.closest('dialog')")
    page.keyboard.press("Escape")
    expect(page.get_by_role("button", name="Export")).to_be_focused()


PICTURES: dict[str, tuple[str, dict[str, Any]]] = {
    "history-light": ("/?type=description", {"color_scheme": "light"}),
    "history-dark": ("/?type=description&as=grid", {"color_scheme": "dark"}),
    "history-phone": ("/?type=description&as=grid", {"viewport": PHONE}),
    "result-light": ("/?type=description&q=dog", {"color_scheme": "light"}),
    "exports-light": ("/exports", {"color_scheme": "light"}),
}


def test_the_pictures_of_the_docs(visitor: Visitor, screenshot: Callable[[Page, str], None]) -> None:
    """Of the demo, and kept with `--screenshots` only; else they show that its pages come up."""
    visitor.account.keys[Scope.WRITE] = visitor.account.stack.run("demo").stdout.decode().strip()
    with visitor.account.connect() as demo:
        demo.post("/graphql", json={"query": "mutation { createExport(input: {format: CSV}) { id } }"})
    for name, (path, options) in PICTURES.items():
        page = visitor.open(path, **options)
        if path.startswith("/exports"):
            expect(page.get_by_role("link", name="Download").first).to_be_visible()
        else:
            expect(page.locator(".total strong")).to_be_visible()
        if name.startswith("result"):
            rows(page).nth(1).click()
            expect(page.get_by_role("heading", name="Said of this image")).to_be_visible()
        screenshot(page, name)
