"""Parameters that nobody knows are ignored, and named in a header."""

import json
import string
from typing import Any

import httpx
import pytest

from tests.conftest import Account

LIST = "/api/v2/data/descriptions"
EXPORT = "/api/v2/data/export"
HEADER = "X-Unknown-Parameters"
BODY = {"data_type": "descriptions", "format": "csv"}


@pytest.mark.parametrize(
    ("query", "named"),
    [
        ("", None),
        ("limit=5&offset=0&search=dog&source_types=single&start_date=2025-01-01&end_date=2025-01-02", None),
        ("min_confidence=0.1&max_confidence=0.9", None),
        ("serch=dog", "serch"),
        ("search[]=dog&search%5B%5D=cat", "search[]"),
        ("serch=dog&limit=5&Limit=7&_=1", "serch,Limit,_"),
        ("serch=a&serch=b", "serch"),
        ("search_terms=dog&include_failed=true", "search_terms,include_failed"),
        ("fa%C3%A7ade=1&a,b=1&50%25=1&a%20b=1&a+b=1", "fa%C3%A7ade,a%2Cb,50%25,a%20b"),
        ("x%0D%0ASet-Cookie:%20a=b", "x%0D%0ASet-Cookie%3A%20a"),
        ("x%00%7F%1B[31m=1", "x%00%7F%1B[31m"),
        ("%22%5C=1", "%22%5C"),
        ("n" * 70 + "=1", "n" * 64),
        ("&".join(f"p{n}=1" for n in range(20)), ",".join(f"p{n}" for n in range(20))),
        ("&".join(f"p{n}=1" for n in range(5000)), ",".join([*(f"p{n}" for n in range(20)), "..."])),
    ],
    ids=lambda value: str(value)[:30],
)
def test_the_list_names_what_it_does_not_know(account: Account, query: str, named: str | None) -> None:
    account.record({"id": "a", "createdAt": "2025-01-01T10:00:00Z", "description": "A dog", "confidenceScore": 0.5})
    response = account.client.get(f"{LIST}?{query}")
    assert response.status_code == 200
    assert [item["id"] for item in response.json()["items"]] == ["a"]
    assert response.headers.get(HEADER) == named
    assert set(named or "") <= set(string.ascii_letters + string.digits + "_.-~[]%,")


@pytest.mark.parametrize(
    ("query", "extra", "named"),
    [
        ("", {}, None),
        ("", {"search": "dog", "fields": []}, "search"),
        ("", {"serch_terms": ["dog"], "Format": "json"}, "serch_terms,Format"),
        ("?format=json", {"limits": 1}, "format,limits"),
        ("", {"a\r\nSet-Cookie: b": 1}, "a%0D%0ASet-Cookie%3A%20b"),
        ("", {f"k{n}": n for n in range(100_000)}, ",".join([*(f"k{n}" for n in range(20)), "..."])),
    ],
    ids=lambda value: str(value)[:30],
)
def test_an_export_names_what_it_does_not_know(
    account: Account, query: str, extra: dict[str, Any], named: str | None
) -> None:
    response = account.client.post(EXPORT + query, json=BODY | extra)
    assert (response.status_code, response.headers.get(HEADER)) == (202, named)
    state = account.client.get(f"{EXPORT}/{response.json()['export_id']}?full=1")
    assert (state.status_code, state.headers.get(HEADER)) == (200, "full")


# Lists of a body


def refused(account: Account, body: dict[str, Any]) -> httpx.Response:
    response = account.client.post(
        EXPORT, content=json.dumps(BODY | body), headers={"Content-Type": "application/json"}
    )
    assert response.status_code == 422
    return response


@pytest.mark.parametrize(
    ("body", "place", "kind"),
    [
        ({"fields": ["x"] * 1_000_000}, ["fields", 0], "field_name"),
        ({"fields": ["id"] * 1_000_000}, ["fields"], "too_long"),
        ({"fields": ["id"] * 101}, ["fields"], "too_long"),
        ({"fields": [None] * 1_000_000}, ["fields", 0], "string_type"),
        ({"fields": ["id", *range(1000)]}, ["fields", 1], "string_type"),
        ({"search_terms": [str(n) for n in range(1_000_000)]}, ["search_terms"], "search_terms"),
        ({"search_terms": [None] * 1_000_000}, ["search_terms"], "search_terms"),
        ({"search_terms": list(range(1000))}, ["search_terms", 0], "string_type"),
        ({"source_types": ["single"] * 1_000_000}, ["source_types"], "source_types"),
        ({"source_types": [[]] * 1000}, ["source_types", 0], "string_type"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_a_list_is_refused_with_one_error(
    account: Account, body: dict[str, Any], place: list[str | int], kind: str
) -> None:
    response = refused(account, body)
    assert len(response.content) < 1000
    [detail] = response.json()["detail"]
    assert (detail["loc"], detail["type"]) == (["body", *place], kind)


def test_a_column_may_be_named_twice(account: Account) -> None:
    account.record({"id": "a"})
    assert account.download(format="csv", fields=["id", "type"] * 50) == b"id,type\r\na,description\r\n"
