"""The Accept header, as RFC 9110 reads it."""

import pytest
from starlette.datastructures import Headers

from app.http import accept
from app.http.accept import JSON, RESPONSE_JSON


def headers(*given: str) -> Headers:
    return Headers(raw=[(b"accept", value.encode()) for value in given])


@pytest.mark.parametrize(
    ("given", "media_type", "weight"),
    [
        ("application/json", JSON, 1),
        ("application/json;q=0.5", JSON, 0.5),
        ("APPLICATION/JSON; Q=0.5", JSON, 0.5),
        ("application/json ; charset=utf-8 ; q=0.5", JSON, 0.5),
        ("*/*;q=0.1, application/*;q=0.5, application/json;q=0.3", JSON, 0.3),
        ("application/json;q=0.3, application/*;q=0.5, */*;q=0.1", RESPONSE_JSON, 0.5),
        ("application/json;q=0.3, application/*;q=0.5, */*;q=0.1", "text/html", 0.1),
        ("application/json;q=0, */*", JSON, 0),
        ("application/*;q=0, */*", JSON, 0),
        ("application/json;q=0, */*", "text/html", 1),
        ("text/html", JSON, 0),
        ("", JSON, 0),
        ("*", JSON, 0),
        *((f"application/json;q={wrong}", JSON, 0) for wrong in ("x", "", "-1", "2", "nan", "inf", "1e9")),
    ],
)
def test_the_most_specific_range_says_the_weight(given: str, media_type: str, weight: float) -> None:
    assert accept.quality(headers(given), media_type) == weight


@pytest.mark.parametrize(
    ("given", "taken"),
    [
        ("application/json;q=0, */*", RESPONSE_JSON),
        ("application/graphql-response+json;q=0, */*", JSON),
        ("application/json;q=0, application/*;q=0.1", RESPONSE_JSON),
        ("application/json;q=0, application/graphql-response+json;q=0, */*", ""),
        ("*/*", JSON),
        ("*/*, application/graphql-response+json", RESPONSE_JSON),
        ("application/graphql-response+json, application/json", RESPONSE_JSON),
        ("application/json, application/graphql-response+json", JSON),
        ("application/json;q=0.8, application/*;q=0.9", RESPONSE_JSON),
        ("text/html", ""),
        ("", ""),
    ],
)
def test_of_what_is_offered_the_best_is_taken(given: str, taken: str) -> None:
    assert accept.best(headers(given), (JSON, RESPONSE_JSON)) == taken


def test_several_headers_count_as_one() -> None:
    assert accept.best(headers("application/json;q=0.5", RESPONSE_JSON), (JSON, RESPONSE_JSON)) == RESPONSE_JSON


@pytest.mark.parametrize(("given", "named"), [("*/*", False), (JSON, True), (f"{JSON};q=0", False), ("", False)])
def test_a_type_is_named_by_itself_alone(given: str, named: bool) -> None:
    assert accept.is_named(headers(given), JSON) is named
    assert accept.is_given(headers(given)) is bool(given)
