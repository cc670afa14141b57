"""Accounts never see each other: every field and every route, asked with another account's key."""

import base64
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest

from app import auth
from app.engine.db import Database
from app.main import create_app
from app.models import ExportStatus, Scope
from app.settings import Settings
from tests.conftest import Account, code_of, new_account
from tests.graphql_schema.conftest import EXPORT, put_export
from tools.stack import Stack

MARK = "of-the-owner"
FIELDS = """id nodeId type sourceType sourceId createdAt imageUrl imageId description verification metadata errorMessage
    reviewState reviews { verdict note by }"""
EMPTY_PAGE = {"hasNextPage": False, "hasPreviousPage": False, "startCursor": None, "endCursor": None}
PAGE_INFO = "pageInfo { hasNextPage hasPreviousPage startCursor endCursor }"
EMPTY_STATISTICS = {"totalCount": 0, "reviewCounts": [{"count": 0}] * 4} | {
    name: [] for name in ("dailyCounts", "sourceDistribution", "typeDistribution", "confidenceDistribution")
}
STATISTICS = """totalCount dailyCounts { count } sourceDistribution { count } typeDistribution { count }
    confidenceDistribution { count } reviewCounts { count }"""
EVENT_STREAM = {"Accept": "text/event-stream"}


@dataclass(frozen=True)
class Owner:
    """An account with something of everything, and where that lies."""

    account: Account
    result: str
    cursor: str
    ended: str
    running: str
    failed: str
    export_cursor: str
    download_url: str

    def everything(self) -> Any:
        """What the owner sees, but for what changes from read to read."""
        query = f"""{{ descriptions(filter: {{includeFailed: true}}) {{ nodes {{ {FIELDS} }} }}
            statistics {{ {STATISTICS} }} exports {{ nodes {EXPORT} totalCount }} }}"""
        seen = self.account.graphql(query)
        for node in seen["exports"]["nodes"]:
            assert (node.pop("downloadUrl") is None) == (node["id"] != self.ended)
            del node["estimatedCompletionTime"]
        return seen


@pytest.fixture(scope="module")
def owner(stack: Stack, database: Database) -> Iterator[Owner]:
    account = new_account(stack, database)
    texts = ("type", "sourceType", "sourceId", "imageUrl", "imageId", "description", "errorMessage")
    result = {name: f"{name}-{MARK}" for name in ("id", *texts)}
    more: dict[str, Any] = {"verification": [MARK], "metadata": {MARK: 1}, "confidenceScore": 0.5}
    account.record(result | more, {"id": f"failed-{MARK}", "status": "FAILED"}, {"id": f"third-{MARK}"})
    account.graphql(
        "mutation($input: [ReviewInput!]!) { reviewDescriptions(input: $input) { reviews { id } } }",
        input=[{"descriptionId": result["id"], "verdict": "REJECTED", "note": MARK}],
    )
    create = 'mutation { createExport(input: {format: CSV}, idempotencyKey: "shared") { id } }'
    ended = account.graphql(create)["createExport"]["id"]
    state = account.wait(ended)
    running, failed = put_export(account, ExportStatus.PROCESSING), put_export(account, ExportStatus.FAILED)
    cursors = account.graphql(
        "{ descriptions(first: 1) { pageInfo { endCursor } } exports { pageInfo { startCursor } } }"
    )
    yield Owner(
        account,
        result["id"],
        cursors["descriptions"]["pageInfo"]["endCursor"],
        ended,
        running,
        failed,
        cursors["exports"]["pageInfo"]["startCursor"],
        state["download_url"],
    )
    account.close()


# Every field

Asked = tuple[str, dict[str, Any], Any]
"""An operation of a stranger, its variables, and the data it must get, or the code of the error."""


def ask_descriptions(owner: Owner) -> Sequence[Asked]:
    declared = "$filter: DescriptionFilter, $first: Int, $after: String, $last: Int, $before: String, $offset: Int"
    query = f"""query({declared}) {{
        descriptions(filter: $filter, first: $first, after: $after, last: $last, before: $before, offset: $offset) {{
            nodes {{ id }} edges {{ cursor }} totalCount statistics {{ {STATISTICS} }} {PAGE_INFO} }} }}"""
    empty = {"nodes": [], "edges": [], "totalCount": 0, "statistics": EMPTY_STATISTICS, "pageInfo": EMPTY_PAGE}
    asked: list[dict[str, Any]] = [
        {},
        {"filter": {"includeFailed": True}},
        {"filter": {"imageIds": [f"imageId-{MARK}"], "types": [f"type-{MARK}"]}},
        {"filter": {"search": [MARK], "includeUnscored": True}},
        {"first": 0},
        {"last": 10},
        {"after": owner.cursor},
        {"before": owner.cursor},
        {"last": 1, "before": owner.cursor},
        {"offset": 1},
    ]
    return [(query, variables, {"descriptions": empty}) for variables in asked]


def ask_description(owner: Owner) -> Sequence[Asked]:
    query = f"query($id: ID!) {{ description(id: $id) {{ {FIELDS} }} }}"
    return [(query, {"id": owner.result}, {"description": None})]


def ask_statistics(owner: Owner) -> Sequence[Asked]:
    query = f"query($filter: DescriptionFilter) {{ statistics(filter: $filter) {{ {STATISTICS} }} }}"
    filters = (None, {"includeFailed": True}, {"sourceTypes": [f"sourceType-{MARK}"]}, {"search": [MARK]})
    return [(query, {"filter": filter}, {"statistics": EMPTY_STATISTICS}) for filter in filters]


def ask_export(owner: Owner) -> Sequence[Asked]:
    query = f"query($id: ID!) {{ export(id: $id) {EXPORT} }}"
    return [(query, {"id": id}, {"export": None}) for id in (owner.ended, owner.running, owner.failed)]


def ask_exports(owner: Owner) -> Sequence[Asked]:
    query = f"""query($status: ExportStatus, $first: Int, $after: String) {{
        exports(status: $status, first: $first, after: $after) {{ nodes {{ id }} totalCount {PAGE_INFO} }} }}"""
    asked: list[dict[str, Any]] = [{}, {"status": "COMPLETED"}, {"after": owner.export_cursor}, {"first": 0}]
    empty = {"nodes": [], "totalCount": 0, "pageInfo": EMPTY_PAGE}
    return [(query, variables, {"exports": empty}) for variables in asked]


def ask_image(owner: Owner) -> Sequence[Asked]:
    query = "query($id: ID!) { image(id: $id) { id imageUrl agreement descriptions { totalCount } } }"
    return [(query, {"id": f"imageId-{MARK}"}, {"image": None})]


def ask_node(owner: Owner) -> Sequence[Asked]:
    named = ("Description", owner.result), ("Export", owner.ended), ("Image", f"imageId-{MARK}")
    ids = [base64.b64encode(f"{type_}:{id}".encode()).decode() for type_, id in named]
    query = "query($id: ID!) { node(nodeId: $id) { nodeId } }"
    assert [owner.account.graphql(query, id=id)["node"]["nodeId"] for id in ids] == ids
    return [(query, {"id": id}, {"node": None}) for id in ids]


def ask_review(owner: Owner) -> Sequence[Asked]:
    query = "mutation($input: [ReviewInput!]!) { reviewDescriptions(input: $input) { reviews { id } } }"
    return [(query, {"input": [{"descriptionId": owner.result, "verdict": "REJECTED"}]}, "NOT_FOUND")]


def ask_review_matching(owner: Owner) -> Sequence[Asked]:
    query = """mutation($filter: DescriptionFilter, $count: Int!) {
        reviewMatching(filter: $filter, expectedCount: $count, verdict: ACCEPTED) { reviewed } }"""
    mine = {"imageIds": [f"imageId-{MARK}"]}
    return [
        (query, {"filter": mine, "count": 1}, "CONFLICT"),
        (query, {"filter": mine, "count": 0}, {"reviewMatching": {"reviewed": 0}}),
        (query, {"count": 0}, {"reviewMatching": {"reviewed": 0}}),
    ]


def change(field: str, selected: str = "{ id }") -> Callable[[Owner], Sequence[Asked]]:
    query = f"mutation($id: ID!) {{ {field}(id: $id) {selected} }}"
    return lambda owner: [(query, {"id": id}, "NOT_FOUND") for id in (owner.ended, owner.running, owner.failed)]


def ask_create_export(owner: Owner) -> Sequence[Asked]:
    query = """mutation { createExport(input: {format: CSV, fields: ["id"]}, idempotencyKey: "shared") {
        format fields recordCount downloadUrl } }"""
    made = {"format": "CSV", "fields": ["id"], "recordCount": None, "downloadUrl": None}
    return [(query, {}, {"createExport": made})]


def ask_plan(owner: Owner) -> Sequence[Asked]:
    query = "query($input: CreateExportInput!) { planExport(input: $input) { rows brokenLimit { name } } }"
    filters: tuple[dict[str, Any], ...] = ({}, {"imageIds": [f"imageId-{MARK}"]}, {"search": [MARK]})
    plan = {"planExport": {"rows": 0, "brokenLimit": None}}
    return [(query, {"input": {"format": "CSV", "filter": filter}}, plan) for filter in filters]


def ask_record_descriptions(owner: Owner) -> Sequence[Asked]:
    query = "mutation($input: [DescriptionInput!]!) { recordDescriptions(input: $input) { recorded alreadyKnown } }"
    result = {"id": owner.result, "sourceType": "single", "createdAt": "2020-01-01", "description": "a stranger's"}
    return [(query, {"input": [result]}, {"recordDescriptions": {"recorded": 1, "alreadyKnown": 0}})]


def ask_export_progress(owner: Owner) -> Sequence[Asked]:
    query = f"subscription($id: ID!) {{ exportProgress(id: $id) {EXPORT} }}"
    return [(query, {"id": id}, "NOT_FOUND") for id in (owner.ended, owner.running)]


def ask_keys(owner: Owner) -> Sequence[Asked]:
    return [("{ apiKeys { name active } }", {}, {"apiKeys": [{"name": None, "active": True}] * 3})]


def ask_create_key(owner: Owner) -> Sequence[Asked]:
    query = 'mutation { createApiKey(input: {name: "a"}) { apiKey { name scope } } }'
    return [(query, {}, {"createApiKey": {"apiKey": {"name": "a", "scope": "READ"}}})]


def ask_limit_key(owner: Owner) -> Sequence[Asked]:
    query = "mutation($prefix: ID!) { limitApiKey(prefix: $prefix, requestsPerMinute: 1) { prefix } }"
    return [
        (query, {"prefix": key[:length]}, "NOT_FOUND") for key in owner.account.keys.values() for length in (17, 60)
    ]


def ask_revoke_key(owner: Owner) -> Sequence[Asked]:
    query = "mutation($prefix: ID!) { revokeApiKey(prefix: $prefix) { prefix } }"
    return [
        (query, {"prefix": key[:length]}, "NOT_FOUND") for key in owner.account.keys.values() for length in (17, 60)
    ]


def ask_erase(owner: Owner) -> Sequence[Asked]:
    query = "mutation($ids: [ID!]) { eraseDescriptions(ids: $ids) { erased exports { id } } }"
    return [(query, {"ids": [owner.result]}, {"eraseDescriptions": {"erased": 0, "exports": []}})]


CASES: dict[str, Callable[[Owner], Sequence[Asked]]] = {
    "Query.descriptions": ask_descriptions,
    "Query.description": ask_description,
    "Query.statistics": ask_statistics,
    "Query.export": ask_export,
    "Query.exports": ask_exports,
    "Query.image": ask_image,
    "Query.node": ask_node,
    "Query.planExport": ask_plan,
    "Query.viewer": lambda _: [("{ viewer { scope keyName } }", {}, {"viewer": {"scope": "ADMIN", "keyName": None}})],
    "Query.apiKeys": ask_keys,
    "Mutation.createExport": ask_create_export,
    "Mutation.cancelExport": change("cancelExport"),
    "Mutation.retryExport": change("retryExport"),
    "Mutation.deleteExport": change("deleteExport", ""),
    "Mutation.recordDescriptions": ask_record_descriptions,
    "Mutation.reviewDescriptions": ask_review,
    "Mutation.reviewMatching": ask_review_matching,
    "Mutation.eraseDescriptions": ask_erase,
    "Mutation.createApiKey": ask_create_key,
    "Mutation.limitApiKey": ask_limit_key,
    "Mutation.revokeApiKey": ask_revoke_key,
    "Subscription.exportProgress": ask_export_progress,
}

NEEDED = {
    "createExport": Scope.READ,
    "cancelExport": Scope.READ,
    "retryExport": Scope.READ,
    "deleteExport": Scope.READ,
    "recordDescriptions": Scope.WRITE,
    "reviewDescriptions": Scope.WRITE,
    "reviewMatching": Scope.WRITE,
    "eraseDescriptions": Scope.ADMIN,
    "createApiKey": Scope.ADMIN,
    "limitApiKey": Scope.ADMIN,
    "revokeApiKey": Scope.ADMIN,
}
"""The least scope of each mutation."""


def root_fields(account: Account) -> set[str]:
    roots = ("queryType", "mutationType", "subscriptionType")
    query = f"{{ __schema {{ {' '.join(f'{root} {{ name fields {{ name }} }}' for root in roots)} }} }}"
    found = account.graphql(query)["__schema"]
    return {f"{found[root]['name']}.{field['name']}" for root in roots for field in found[root]["fields"]}


def test_every_field_has_a_case(account: Account) -> None:
    assert set(CASES) == root_fields(account)
    assert set(NEEDED) == {name.removeprefix("Mutation.") for name in CASES if name.startswith("Mutation.")}


@pytest.mark.parametrize("field", CASES)
def test_a_stranger_sees_and_changes_nothing(owner: Owner, account: Account, field: str) -> None:
    before = owner.everything()
    streamed = EVENT_STREAM if field.startswith("Subscription") else {}
    with account.connect(Scope.ADMIN) as stranger:
        for query, variables, expected in CASES[field](owner):
            response = stranger.post("/graphql", json={"query": query, "variables": variables}, headers=streamed)
            assert response.status_code == 200
            assert MARK not in response.text.replace(f"the id '{owner.result}'", "the id that was asked for")
            if isinstance(expected, str):
                assert f'"extensions":{{"code":"{expected}"' in response.text
                assert owner.ended not in response.text
            else:
                assert response.json() == {"data": expected}
    assert owner.everything() == before


def test_a_strangers_export_holds_nothing_of_the_owner(owner: Owner, account: Account) -> None:
    assert account.download(format="jsonl", include_failed=True) == b""
    [(query, _, _)] = ask_create_export(owner)
    account.graphql(query)
    [mine] = account.graphql("{ exports(first: 1) { nodes { id } } }")["exports"]["nodes"]
    assert account.wait(mine["id"])["record_count"] == 0
    assert mine["id"] != owner.ended


@pytest.mark.parametrize("mutation", NEEDED)
def test_a_key_without_the_scope_changes_nothing(owner: Owner, mutation: str) -> None:
    before = owner.everything()
    asked = CASES[f"Mutation.{mutation}"](owner)
    for query, variables, _ in asked:
        if NEEDED[mutation] is Scope.READ:
            variables = variables | {"id": str(uuid.uuid4())} if "id" in variables else variables
        with owner.account.connect(Scope.READ) as reader:
            answer = reader.post("/graphql", json={"query": query, "variables": variables}).json()
        codes = [error["extensions"]["code"] for error in answer.get("errors", [])]
        assert (codes == ["AUTHZ_ERROR"]) == (NEEDED[mutation] is not Scope.READ)
    assert owner.everything()["descriptions"] == before["descriptions"]


# Every route


def list_descriptions(owner: Owner, stranger: httpx.Client) -> None:
    for params in ({}, {"search": MARK}, {"source_types": f"sourceType-{MARK}"}, {"offset": "1"}):
        answer = stranger.get("/api/v2/data/descriptions", params=params).json()
        assert (answer["items"], answer["total_count"], answer["has_more"]) == ([], 0, False)
        assert answer["statistics"]["source_distribution"] == {}


def start_export(owner: Owner, stranger: httpx.Client) -> None:
    body = {"data_type": "descriptions", "format": "csv"}
    answer = stranger.post("/api/v2/data/export", json=body, headers={"Idempotency-Key": "shared"})
    assert answer.status_code == 202
    assert answer.json()["export_id"] != owner.ended
    assert answer.json()["record_count"] is None


def read_export(owner: Owner, stranger: httpx.Client) -> None:
    for id in (owner.ended, owner.running, owner.failed):
        answer = stranger.get(f"/api/v2/data/export/{id}")
        assert (answer.status_code, answer.json()) == (404, {"detail": "Export not found"})


def fetch_file(owner: Owner, stranger: httpx.Client) -> None:
    for id in (owner.ended, owner.running, owner.failed):
        for query in ({}, {"receipt": ""}):
            answer = stranger.get(f"/api/v2/data/export/{id}/download", params=query)
            assert (answer.status_code, answer.json()) == (404, {"detail": "Export not found"})
            assert stranger.head(f"/api/v2/data/export/{id}/download", params=query).status_code == 404


def query_by_get(owner: Owner, stranger: httpx.Client) -> None:
    answer = stranger.get("/graphql", params={"query": "{ descriptions { nodes { id } } exports { totalCount } }"})
    assert answer.json() == {"data": {"descriptions": {"nodes": []}, "exports": {"totalCount": 0}}}


def query_by_post(owner: Owner, stranger: httpx.Client) -> None:
    query = "{ descriptions { nodes { id } } exports { totalCount } }"
    answer = stranger.post("/graphql", json={"query": query})
    assert answer.json() == {"data": {"descriptions": {"nodes": []}, "exports": {"totalCount": 0}}}


def download(owner: Owner, stranger: httpx.Client) -> None:
    """The signature is the right, for this one file and name."""
    url = httpx.URL(owner.download_url)
    with httpx.Client(verify=False) as anybody:
        assert MARK in anybody.get(url).text
        another = url.path.replace(owner.ended, owner.running)
        for altered in (url.copy_with(path=another), url.copy_with(query=None)):
            assert anybody.get(altered).status_code == 403
    key = f"{owner.account.id}/{owner.ended}/1.csv"
    status = 404 if owner.account.stack.settings.get("SIGHTLOG_S3_BUCKET") else 403
    assert stranger.get(f"/files/{key}").status_code == status
    assert stranger.head(f"/files/{key}").status_code == status


def signed_in(owner: Owner, stranger: httpx.Client) -> None:
    """Whoever signs in is of the account that the key is of."""
    with httpx.Client(base_url=stranger.base_url, verify=False) as browser:
        key = str(stranger.headers["authorization"]).partition(" ")[2]
        own = browser.post("/session", json={"key": key}).json()
        assert own["account"] not in (owner.account.name, None)
        assert browser.get("/session").json() == own
        listed = browser.get("/api/v2/data/descriptions").json()
        assert listed["items"] == []


def sign_out(owner: Owner, stranger: httpx.Client) -> None:
    """A key is no session."""
    with httpx.Client(base_url=stranger.base_url, verify=False) as browser:
        browser.post("/session", json={"key": owner.account.keys[Scope.READ]})
        assert stranger.get("/session").status_code == 401
        assert stranger.delete("/session").status_code == 204
        assert browser.get("/session").json()["account"] == owner.account.name


def follow_link(owner: Owner, stranger: httpx.Client) -> None:
    answer = stranger.get("/sign-in", params={"token": "A" * 43})
    assert (answer.status_code, answer.headers["location"]) == (303, "./?sign-in=expired")


def public(path: str, status: int = 200) -> Callable[[Owner, httpx.Client], None]:
    def check(owner: Owner, stranger: httpx.Client) -> None:
        for client in (stranger, owner.account.client):
            answer = client.get(path)
            assert answer.status_code == status
            assert MARK not in answer.text
            assert owner.account.name not in answer.text

    return check


ROUTES: dict[str, Callable[[Owner, httpx.Client], None]] = {
    "GET /api/v2/data/descriptions": list_descriptions,
    "POST /api/v2/data/export": start_export,
    "GET /api/v2/data/export/{export_id}": read_export,
    "GET /api/v2/data/export/{export_id}/download": fetch_file,
    "GET /.well-known/sightlog-key": public("/.well-known/sightlog-key"),
    "GET /graphql": query_by_get,
    "POST /graphql": query_by_post,
    "GET /files/{key:path}": download,
    "GET /health/live": public("/health/live"),
    "GET /health/ready": public("/health/ready"),
    "GET /metrics": public("/metrics"),
    "GET /openapi.json": public("/openapi.json"),
    "GET /": public("/"),
    "GET /exports": public("/exports"),
    "GET /keys": public("/keys"),
    "GET /descriptions/{id:path}": public(f"/descriptions/id-{MARK}"),
    "GET /docs": public("/docs"),
    "GET /assets": public("/assets/session.js"),
    "GET /demo/images/{name}.svg": public("/demo/images/shelves-2021.svg"),
    "POST /session": signed_in,
    "GET /session": signed_in,
    "DELETE /session": sign_out,
    "GET /sign-in": follow_link,
}
GUARDED = [route for route in ROUTES if route.split(" ")[1].startswith(("/api/", "/graphql"))]


def routes_of(routes: Sequence[Any]) -> Iterator[str]:
    """Those that answer; what only refuses a method does not count."""
    for route in routes:
        if included := getattr(route, "original_router", None):
            yield from routes_of(included.routes)
        else:
            methods = set(getattr(route, "methods", None) or {"GET"}) & {"GET", "POST", "PUT", "PATCH", "DELETE"}
            if "DELETE" not in methods or "PUT" not in methods:
                yield from (f"{method} {route.path}" for method in methods)


def test_every_route_has_a_case(account: Account, tmp_path: Path) -> None:
    app = create_app(Settings(data_dir=tmp_path))
    assert set(routes_of(app.routes)) == set(ROUTES)
    served = account.client.get("/openapi.json").json()["paths"]
    documented = {f"{method.upper()} {path}" for path, methods in served.items() for method in methods}
    assert documented <= set(ROUTES)
    assert len(documented) == 6


@pytest.mark.parametrize("route", ROUTES)
def test_a_stranger_gets_and_changes_nothing(owner: Owner, account: Account, route: str) -> None:
    before = owner.everything()
    with account.connect(Scope.ADMIN) as stranger:
        ROUTES[route](owner, stranger)
    assert owner.everything() == before


def reach(route: str, client: httpx.Client, **headers: str) -> httpx.Response:
    method, path = route.split(" ")
    bodies = {
        "/graphql": {"query": "{ __typename }"},
        "/api/v2/data/export": {"data_type": "descriptions", "format": "csv"},
    }
    body = bodies.get(path) if method == "POST" else None
    params = {"query": "{ __typename }"} if route == "GET /graphql" else None
    return client.request(method, path.format(export_id=uuid.uuid4()), json=body, params=params, headers=headers)


def test_a_key_that_is_revoked_is_refused_at_once_everywhere(account: Account) -> None:
    key = account.keys[Scope.WRITE]
    for route in GUARDED:
        assert reach(route, account.client).status_code in (200, 202, 404)
    with account.database.write() as session:
        auth.revoke_key(session, key[:17])
    with account.connect(Scope.READ) as reader:
        before = reader.post("/graphql", json={"query": "{ exports { totalCount } }"}).json()
    for route in GUARDED:
        answer = reach(route, account.client)
        assert answer.status_code == 401
        assert code_of(answer) == "DEACTIVATED_API_KEY"
    with account.connect(Scope.READ) as reader:
        assert reader.post("/graphql", json={"query": "{ exports { totalCount } }"}).json() == before


@pytest.mark.parametrize("route", GUARDED)
def test_no_key_gets_nothing(account: Account, route: str) -> None:
    with httpx.Client(base_url=account.stack.url, verify=False) as nobody:
        for headers in ({}, EVENT_STREAM, {"Cookie": f"key={account.keys[Scope.READ]}"}):
            answer = reach(route, nobody, **headers)
            assert answer.status_code == 401
            assert code_of(answer) == "INVALID_API_KEY"
