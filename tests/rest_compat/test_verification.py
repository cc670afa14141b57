"""What the documented item shows of reviews; and that REST knows nothing else of them."""

from tests.conftest import Account
from tests.rest_compat.conftest import KEYS, LIST, listed

REVIEW = """mutation($input: [ReviewInput!]!) {
    reviewDescriptions(input: $input) { reviews { verdict text note by at } } }"""


def test_an_item_shows_its_newest_review_unless_it_has_a_verification(account: Account) -> None:
    account.record({"id": "a"}, {"id": "b", "verification": {"verdict": True}}, {"id": "c"})
    for verdict in ("REJECTED", "CORRECTED"):
        text = "x" if verdict == "CORRECTED" else None
        given = [{"descriptionId": id, "verdict": verdict, "text": text, "note": "é"} for id in "ab"]
        told = account.graphql(REVIEW, input=given)["reviewDescriptions"]["reviews"][0]
    items = {item["id"]: item for item in listed(account)["items"]}
    assert items["a"]["verification"] == told | {"verdict": "corrected"}
    assert items["b"]["verification"] == {"verdict": True}
    assert items["c"]["verification"] is None
    assert [list(item) for item in items.values()] == [KEYS] * 3


def test_review_states_are_no_documented_parameter(account: Account) -> None:
    account.record({"id": "a"})
    answer = account.client.get(LIST, params={"review_states": "rejected"})
    assert answer.json()["total_count"] == 1
    assert answer.headers["X-Unknown-Parameters"] == "review_states"
    body = {"data_type": "descriptions", "format": "csv", "review_states": ["rejected"]}
    made = account.client.post("/api/v2/data/export", json=body)
    assert (made.status_code, made.headers["X-Unknown-Parameters"]) == (202, "review_states")
    assert account.wait(made.json()["export_id"])["record_count"] == 1


def test_the_totals_of_the_list_are_those_before(account: Account) -> None:
    account.record({"id": "a", "confidenceScore": 0.5}, {"id": "b"})
    before = listed(account)
    account.graphql(REVIEW, input=[{"descriptionId": "a", "verdict": "REJECTED"}])
    after = listed(account)
    assert after["items"][1]["verification"]["verdict"] == "rejected"
    after["items"][1]["verification"] = None
    assert after == before
