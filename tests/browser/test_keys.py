"""API keys on their page."""

from typing import Any

from playwright.sync_api import Locator, Page, expect

from app import auth
from app.models import Scope
from tests.browser.conftest import Visitor


def row_of(page: Page, text: str) -> Locator:
    return page.get_by_role("table", name="API keys").locator("tbody tr").filter(has_text=text)


def viewer(visitor: Visitor, key: str) -> Any:
    """Whom the server takes for the one who shows this key; None: nobody."""
    asked = {"query": "{ viewer { scope keyName } }"}
    answer = visitor.account.client.post("/graphql", json=asked, headers={"Authorization": f"Bearer {key}"})
    return answer.json()["data"]["viewer"] if answer.status_code == 200 else None


def test_a_key_is_created_shown_once_used_and_revoked(visitor: Visitor) -> None:
    page = visitor.open("/keys", Scope.ADMIN, permissions=["clipboard-read", "clipboard-write"])
    expect(row_of(page, "yours")).to_contain_text(auth.prefix_of(visitor.account.keys[Scope.ADMIN]))
    page.get_by_role("button", name="Create a key").click()
    dialog = page.get_by_role("dialog", name="Create a key")
    dialog.get_by_label("Name").fill("<b>the importer</b>")
    dialog.get_by_label("Scope").select_option("WRITE")
    dialog.get_by_label("Expires").select_option("30 days")
    dialog.get_by_role("button", name="Create").click()
    made = page.get_by_role("dialog", name="Your new key")
    made.get_by_role("button", name="Copy key").click()
    key: str = page.evaluate("navigator.clipboard.readText()")
    assert made.get_by_label("New key").inner_text() == key
    assert viewer(visitor, key) == {"scope": "WRITE", "keyName": "<b>the importer</b>"}
    made.get_by_role("button", name="I have copied it").click()
    expect(page.locator("body")).not_to_contain_text(key)
    row = row_of(page, auth.prefix_of(key))
    expect(row).to_contain_text("<b>the importer</b>")
    row.get_by_role("button", name="Revoke").click()
    page.get_by_role("dialog", name="Revoke this key?").get_by_role("button", name="Revoke").click()
    expect(row).to_contain_text("Revoked")
    assert viewer(visitor, key) is None
    page.reload()
    expect(row).to_contain_text("Revoked")
    expect(page.locator("body")).not_to_contain_text(key)


def test_other_scopes_are_told_what_it_takes(visitor: Visitor) -> None:
    page = visitor.open("/keys")
    expect(page.locator("main")).to_contain_text("admin")
    expect(page.get_by_role("button", name="Create a key")).to_have_count(0)
