"""API keys on their page."""

from typing import Any

from playwright.sync_api import Locator, Page, expect

from app import auth
from app.models import Scope
from tests.browser.conftest import Visitor
from tests.conftest import only_embedded

pytestmark = only_embedded


def row_of(page: Page, text: str) -> Locator:
    return page.get_by_role("table", name="API keys").locator("tbody tr").filter(has_text=text)


def viewer(visitor: Visitor, key: str) -> Any:
    """Whom the server takes for the one who shows this key; None: nobody."""
    asked = {"query": "{ viewer { scope keyName } }"}
    answer = visitor.account.client.post("/graphql", json=asked, headers={"Authorization": f"Bearer {key}"})
    return answer.json()["data"]["viewer"] if answer.status_code == 200 else None


def limit_of(page: Page, key: str) -> Locator:
    return row_of(page, auth.prefix_of(key)).locator("td").nth(6)


def change(page: Page, key: str, limit: str) -> Locator:
    """Saves a limit of the key, or tries to. The dialog."""
    page.get_by_role("button", name=f"Change the limit of {auth.prefix_of(key)}").click()
    dialog = page.get_by_role("dialog", name="Limit this key")
    dialog.get_by_label("Requests a minute").fill(limit)
    dialog.get_by_role("button", name="Save").click()
    return dialog


def told(visitor: Visitor, key: str) -> str | None:
    """What the headers say that the key may send in a minute."""
    answer = visitor.account.client.get("/api/v2/data/descriptions", headers={"Authorization": f"Bearer {key}"})
    assert answer.status_code == 200
    limit: str | None = answer.headers.get("X-RateLimit-Limit")
    return limit


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


def test_a_key_gets_a_limit_of_its_own(visitor: Visitor) -> None:
    account = visitor.account
    with account.database.write() as session:
        auth.limit_account(session, account.name, "300")
    page = visitor.open("/keys", Scope.ADMIN)
    expect(page.locator("main")).to_contain_text("A key may send 300 requests a minute, unless")
    page.get_by_role("button", name="Create a key").click()
    dialog = page.get_by_role("dialog", name="Create a key")
    expect(dialog.get_by_label("Expires")).to_have_value("")
    dialog.get_by_label("Requests a minute").fill("40")
    dialog.get_by_role("button", name="Create").click()
    made = page.get_by_role("dialog", name="Your new key")
    key = made.get_by_label("New key").inner_text()
    made.get_by_role("button", name="I have copied it").click()
    expect(limit_of(page, key)).to_contain_text("40")
    assert told(visitor, key) == "40"

    change(page, key, "25")
    expect(limit_of(page, key)).to_contain_text("25")
    assert told(visitor, key) == "25"

    dialog = change(page, key, "301")
    assert not dialog.get_by_label("Requests a minute").evaluate("input => input.validity.valid")
    expect(dialog).to_be_visible()
    dialog.get_by_role("button", name="Cancel").click()

    change(page, key, "")
    expect(limit_of(page, key)).to_contain_text("300")
    page.reload()
    expect(limit_of(page, key)).to_contain_text("300")
    assert told(visitor, key) == "300"


def test_what_the_operator_gave_is_told_before_it_is_replaced(visitor: Visitor) -> None:
    account, key = visitor.account, visitor.account.keys[Scope.READ]
    with account.database.write() as session:
        auth.limit_account(session, account.name, "300")
        auth.limit_key(session, key, "900")
    page = visitor.open("/keys", Scope.ADMIN)
    expect(limit_of(page, key)).to_contain_text("900")
    limit_of(page, key).get_by_role("button").click()
    dialog = page.get_by_role("dialog", name="Limit this key")
    expect(dialog).to_contain_text("The operator has given it 900 requests a minute, more than the account has.")
    with account.database.write() as session:
        auth.limit_account(session, account.name, "200")
    dialog.get_by_label("Requests a minute").fill("300")
    dialog.get_by_role("button", name="Save").click()
    expect(dialog.get_by_role("alert")).to_contain_text("The limit of a key is 1 to 200 requests a minute")
    assert told(visitor, key) == "900"
    dialog.get_by_label("Requests a minute").fill("150")
    dialog.get_by_role("button", name="Save").click()
    expect(limit_of(page, key)).to_contain_text("150")
    assert told(visitor, key) == "150"


def test_other_scopes_are_told_what_it_takes(visitor: Visitor) -> None:
    page = visitor.open("/keys")
    expect(page.locator("main")).to_contain_text("admin")
    expect(page.get_by_role("button", name="Create a key")).to_have_count(0)
