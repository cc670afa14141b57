"""What was seen is what is exported, or its drift is told."""

import base64
import json
from collections.abc import Callable
from typing import Any

import httpx
import pytest

from app.errors import InvalidInput
from app.history import views
from app.history.filters import DescriptionFilter
from app.history.orders import NEWEST_FIRST
from app.history.views import View
from app.models import Scope
from tests.conftest import Account
from tests.graphql_schema.conftest import ids

PAGE = """query($filter: DescriptionFilter, $orderBy: DescriptionOrder) {
    descriptions(filter: $filter, orderBy: $orderBy, first: 1) { nodes { id } totalCount view statistics { revision } }
}"""
STATE = """id status recordCount downloadUrl receipt { rows revision }
    view { total revision totalAtRequest revisionAtRequest drifted }"""
CREATE = f"""mutation($input: CreateExportInput!, $key: String) {{
    createExport(input: $input, idempotencyKey: $key) {{ {STATE} }}
}}"""
EXPORT = f"query($id: ID!) {{ export(id: $id) {{ {STATE} }} }}"
REVIEW = """mutation { reviewDescriptions(input: [{descriptionId: "b", verdict: ACCEPTED}]) { reviews { id } } }"""
REPLACE = """mutation($input: [DescriptionInput!]!) {
    recordDescriptions(input: $input, onConflict: REPLACE) { replaced }
}"""
DOGS = {"search": ["dog"]}


@pytest.fixture
def history(account: Account) -> Account:
    account.record(*({"id": id, "description": f"{id} dog"} for id in "abc"), {"id": "cat", "description": "A cat"})
    return account


def seen(account: Account, **wanted: Any) -> Any:
    return account.graphql(PAGE, filter=wanted or DOGS)["descriptions"]


def given(view: str, **more: Any) -> dict[str, Any]:
    return {"format": "JSONL", "fields": ["id"], "view": view} | more


def test_what_was_seen_is_exported(history: Account) -> None:
    page = history.graphql(PAGE, filter=DOGS, orderBy={"direction": "ASC"})["descriptions"]
    assert ids(page) == ["a"]
    created = history.graphql(CREATE, input=given(page["view"]))["createExport"]
    revision = page["statistics"]["revision"]
    told = {"total": 3, "revision": revision, "totalAtRequest": 3, "revisionAtRequest": revision, "drifted": False}
    assert created["view"] == told
    history.wait(created["id"])
    done = history.graphql(EXPORT, id=created["id"])["export"]
    assert (done["view"], done["receipt"]) == (told, {"rows": 3, "revision": revision})
    lines = httpx.get(done["downloadUrl"], verify=False).text.splitlines()
    assert [json.loads(line)["id"] for line in lines] == ["c", "b", "a"]


def test_a_page_that_has_no_results_has_a_view(history: Account) -> None:
    alone = history.graphql('{ descriptions(filter: {types: ["none"]}) { view } }')["descriptions"]["view"]
    created = history.graphql(CREATE, input=given(alone))["createExport"]
    assert (created["view"]["total"], created["view"]["drifted"]) == (0, False)


def record(account: Account) -> None:
    account.record({"id": "d", "description": "Another dog"})


def record_another(account: Account) -> None:
    account.record({"id": "e", "description": "Another cat"})


def replace(account: Account) -> None:
    given = {"id": "a", "sourceType": "single", "createdAt": "2025-01-15T10:30:00Z", "description": "a new dog"}
    with account.connect(Scope.ADMIN) as client:
        told = client.post("/graphql", json={"query": REPLACE, "variables": {"input": [given]}}).json()
    assert told["data"]["recordDescriptions"]["replaced"] == 1


def review(account: Account) -> None:
    account.graphql(REVIEW)


STILL = "still 3 match, but results may have been replaced or reviewed"


@pytest.mark.parametrize(
    ("change", "now", "what"),
    [
        (record, 4, "3 matched then, 4 match now"),
        (record_another, 3, STILL),
        (replace, 3, STILL),
        (review, 3, STILL),
    ],
)
def test_drift_is_refused_and_told_unless_it_is_allowed(
    history: Account, change: Callable[[Account], None], now: int, what: str
) -> None:
    view = seen(history)["view"]
    change(history)
    error = history.refused(CREATE, input=given(view))
    assert error["message"] == (f"The history has changed since you saw it: {what}. Look again, or allow the drift.")
    assert error["extensions"] == {"code": "DRIFTED", "field": "view", "seenCount": 3, "count": now}
    assert history.graphql("{ exports { totalCount } }") == {"exports": {"totalCount": 0}}
    created = history.graphql(CREATE, input=given(view, allowDrift=True))["createExport"]
    told = created["view"]
    assert (told["total"], told["totalAtRequest"], told["drifted"]) == (3, now, True)
    assert told["revisionAtRequest"] > told["revision"]
    history.wait(created["id"])
    assert history.graphql(EXPORT, id=created["id"])["export"]["receipt"]["rows"] == now
    again = given(seen(history)["view"])
    assert history.graphql(CREATE, input=again)["createExport"]["view"]["drifted"] is False


def test_the_same_idempotency_key_gives_the_same_export_whatever_has_changed(history: Account) -> None:
    view = seen(history)["view"]
    first = history.graphql(CREATE, input=given(view), key="k")["createExport"]["id"]
    record(history)
    assert history.graphql(CREATE, input=given(view), key="k")["createExport"]["id"] == first
    assert history.refused(CREATE, input=given(view), key="another")["extensions"]["code"] == "DRIFTED"
    error = history.refused(CREATE, input=given(seen(history)["view"]), key="k")
    assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": "idempotencyKey"}


def test_a_refused_key_can_be_used_again(history: Account) -> None:
    view = seen(history)["view"]
    record(history)
    assert history.refused(CREATE, input=given(view), key="k")["extensions"]["code"] == "DRIFTED"
    assert history.graphql(CREATE, input=given(view, allowDrift=True), key="k")["createExport"]["view"]["drifted"]


def altered(view: str) -> list[str]:
    content, _, signature = view.partition(".")
    told = json.loads(base64.urlsafe_b64decode(content + "=" * (-len(content) % 4)))
    told[3] += 1
    other = base64.urlsafe_b64encode(json.dumps(told).encode()).decode().rstrip("=")
    last = signature[:-1] + chr(ord(signature[-1]) + 1)
    return [f"{other}.{signature}", f"{content}.{last}", content, f"{view}.", "", "ü.ü", "x" * 20_000]


def test_what_is_no_view_is_refused(history: Account, make_account: Callable[[], Account]) -> None:
    view = seen(history)["view"]
    for text in altered(view):
        error = history.refused(CREATE, input=given(text))
        assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": "view"}, text
        assert error["message"].endswith("read the page again for a new one.")
    error = make_account().refused(CREATE, input=given(view))
    assert error["message"] == "This view is of another account: use one that a page of this account told."
    error = history.refused(CREATE, input=given(view, filter={}))
    assert error["message"] == "Give a view or a filter, not both: a view has the filter of its page."
    assert history.graphql("{ exports { totalCount } }") == {"exports": {"totalCount": 0}}


def test_a_view_is_good_as_long_as_its_secret_is_in_use() -> None:
    view = View(7, DescriptionFilter(search=("dog",), min_confidence=0.1), NEWEST_FIRST, 3, 5)
    text = views.make(view, b"old")
    assert text is not None
    assert views.read(text, 7, [b"new", b"old"]) == view
    with pytest.raises(InvalidInput, match="signed with a secret that is no longer in use"):
        views.read(text, 7, [b"new"])


def test_a_filter_that_is_too_long_for_a_token_has_none(history: Account) -> None:
    page = history.graphql(PAGE, filter={"imageIds": ["i" * 100 + str(place) for place in range(200)]})["descriptions"]
    assert (page["nodes"], page["view"]) == ([], None)
