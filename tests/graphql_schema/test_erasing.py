"""eraseDescriptions: what is said before and after, what of it others see, and what is kept out from then on."""

from typing import Any

import httpx
import pytest

from app.models import Scope
from tests.conftest import Account
from tools.patience import until

ERASE = """mutation($ids: [ID!], $imageIds: [ID!], $filter: DescriptionFilter, $count: Int, $exports: OnErasure) {
    eraseDescriptions(ids: $ids, imageIds: $imageIds, filter: $filter, expectedCount: $count, exports: $exports) {
        erased exports { id outcome } } }"""
RECORD = """mutation($input: [DescriptionInput!]!, $invalid: OnInvalid, $erased: OnErased) {
    recordDescriptions(input: $input, onInvalid: $invalid, onErased: $erased) {
        ids recorded alreadyKnown erased erasedIds refused rows { id outcome error { code } } } }"""
EVENTS = "query($id: ID!) { export(id: $id) { status downloadUrl events { type keyPrefix message } } }"


def ask(account: Account, query: str, scope: Scope = Scope.ADMIN, **variables: Any) -> Any:
    with account.connect(scope) as client:
        return client.post("/graphql", json={"query": query, "variables": variables}).json()


def erase(account: Account, **chosen: Any) -> Any:
    answer = ask(account, ERASE, **chosen)
    assert "errors" not in answer, answer
    return answer["data"]["eraseDescriptions"]


def refused(account: Account, **chosen: Any) -> tuple[str, str | None, str]:
    [error] = ask(account, ERASE, **chosen)["errors"]
    return error["extensions"]["code"], error["extensions"].get("field"), error["message"]


def there(account: Account) -> list[str]:
    query = "{ descriptions(filter: {includeFailed: true}) { nodes { id } totalCount } }"
    found = account.graphql(query)["descriptions"]
    assert found["totalCount"] == len(found["nodes"])
    return sorted(node["id"] for node in found["nodes"])


def test_in_each_of_three_ways(account: Account) -> None:
    account.record(
        {"id": "a", "imageId": "i"},
        {"id": "b", "imageId": "i", "status": "FAILED"},
        {"id": "c", "imageId": "j", "description": "a cat"},
        {"id": "d", "description": "a dog"},
        {"id": "e", "description": "a dog", "status": "FAILED"},
    )
    assert erase(account, ids=["c", "nobody", "c"]) == {"erased": 1, "exports": []}
    assert erase(account, imageIds=["i", "j"]) == {"erased": 2, "exports": []}
    dogs = {"filter": {"search": ["DOG"]}}
    conflict = "2 results match by now, not 1: look at them again."
    assert refused(account, filter={"search": ["dog"], "includeFailed": True}, count=1) == (
        *("CONFLICT", "expectedCount"),
        conflict,
    )
    assert there(account) == ["d", "e"]
    assert erase(account, **dogs, count=1) == {"erased": 1, "exports": []}
    assert there(account) == ["e"]
    assert erase(account, filter={"includeFailed": True}, count=1)["erased"] == 1
    assert erase(account, filter={}, count=0) == {"erased": 0, "exports": []}
    assert there(account) == []


@pytest.mark.parametrize(
    ("chosen", "field", "message"),
    [
        ({}, "ids", "Say what to erase in exactly one way: ids, imageIds or filter."),
        ({"ids": [], "imageIds": []}, "ids", "Say what to erase in exactly one way: ids, imageIds or filter."),
        ({"ids": ["a"], "filter": {}}, "ids", "Say what to erase in exactly one way: ids, imageIds or filter."),
        ({"filter": {}}, "expectedCount", "With a filter, say in expectedCount how many results it matches."),
        ({"filter": {}, "count": 10_001}, "expectedCount", None),
    ],
)
def test_what_cannot_be_meant(account: Account, chosen: Any, field: str, message: str | None) -> None:
    account.record({"id": "a"})
    told = refused(account, **chosen)
    assert told[:2] == ("VALIDATION_ERROR", field)
    assert message in (None, told[2])
    assert there(account) == ["a"]


@pytest.mark.parametrize("scope", [Scope.READ, Scope.WRITE])
def test_it_needs_the_scope_admin(account: Account, scope: Scope) -> None:
    account.record({"id": "a"})
    assert ask(account, ERASE, scope, ids=["a"])["errors"][0]["extensions"] == {"code": "AUTHZ_ERROR"}
    assert there(account) == ["a"]


def test_it_is_not_recorded_again_unless_that_is_forced(account: Account) -> None:
    account.record({"id": "a", "description": "the first"}, {"id": "b"})
    erase(account, ids=["a", "spooled"])
    given = [
        {"id": id, "sourceType": "single", "createdAt": "2025-01-15T10:30:01Z"} for id in ("new", "a", "b", "spooled")
    ]
    told = account.graphql(RECORD, input=given)["recordDescriptions"]
    rows = [("new", "RECORDED"), ("a", "ERASED"), ("b", "KNOWN"), ("spooled", "ERASED")]
    assert told == {
        "ids": ["new", "b"],
        "recorded": 1,
        "alreadyKnown": 1,
        "erased": 2,
        "erasedIds": ["a", "spooled"],
        "refused": 0,
        "rows": [{"id": id, "outcome": outcome, "error": None} for id, outcome in rows],
    }
    bad = {"id": "bad", "sourceType": ""}
    told = account.graphql(RECORD, input=[bad, given[1]], invalid="SKIP")["recordDescriptions"]
    assert [row["outcome"] for row in told["rows"]] == ["REFUSED", "ERASED"]
    assert (told["ids"], told["refused"], told["erased"]) == ([], 1, 1)
    assert there(account) == ["b", "new"]
    forced: dict[str, Any] = {"input": given[1:2], "erased": "RESTORE"}
    assert ask(account, RECORD, Scope.WRITE, **forced)["errors"][0]["extensions"]["code"] == "AUTHZ_ERROR"
    assert there(account) == ["b", "new"]
    assert ask(account, RECORD, **forced)["data"]["recordDescriptions"]["recorded"] == 1
    assert account.graphql('{ description(id: "a") { description } }') == {"description": {"description": None}}
    assert account.graphql(RECORD, input=given[1:2])["recordDescriptions"]["alreadyKnown"] == 1


def test_files_of_exports_are_removed_or_kept(account: Account) -> None:
    account.record({"id": "a", "description": "a dog"}, {"id": "b", "description": "a cat"}, {"id": "c"})
    dogs, cats = account.export(search_terms=["dog"]), account.export(search_terms=["cat"])
    assert httpx.get(dogs["download_url"], verify=False).status_code == 200
    assert erase(account, ids=["a"]) == {"erased": 1, "exports": [{"id": dogs["export_id"], "outcome": "REMOVED"}]}
    until(lambda: httpx.get(dogs["download_url"], verify=False).status_code == 404, 20)
    assert account.client.get(f"/api/v2/data/export/{dogs['export_id']}").status_code == 404
    told = account.graphql(EVENTS, id=dogs["export_id"])["export"]
    key = account.keys[Scope.ADMIN][:17]
    message = "Results that it may hold were erased: its file was {}."
    assert (told["status"], told["downloadUrl"]) == ("COMPLETED", None)
    assert told["events"][-1] == {"type": "ERASED", "keyPrefix": key, "message": message.format("removed")}
    kept = erase(account, ids=["b"], exports="KEEP")
    assert kept == {"erased": 1, "exports": [{"id": cats["export_id"], "outcome": "KEPT"}]}
    assert b'"b"' in httpx.get(cats["download_url"], verify=False).content
    told = account.graphql(EVENTS, id=cats["export_id"])["export"]
    assert told["events"][-1] == {"type": "ERASED", "keyPrefix": key, "message": message.format("kept")}
