"""Reviews: what they say of a result, what is refused, and how they are counted and found again."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.history import projection, reviews
from app.models import Scope
from tests.conftest import Account, both_engines
from tests.http import own

REVIEW = """mutation($input: [ReviewInput!]!) {
    reviewDescriptions(input: $input) { reviews { id descriptionId verdict text note by at } } }"""
MATCHING = """mutation($filter: DescriptionFilter, $count: Int!, $verdict: Verdict!, $note: String) {
    reviewMatching(filter: $filter, expectedCount: $count, verdict: $verdict, note: $note) { reviewed } }"""
SHOWN = """{ descriptions(filter: {includeFailed: true}) { nodes { id reviewState verification
    reviews { id verdict text note by at } } } }"""
COUNTS = "statistics { totalCount reviewCounts { state count } }"


def review(account: Account, **verdicts: str | dict[str, Any]) -> list[dict[str, Any]]:
    """By the ids of results; a dict has more than the verdict."""
    given = [
        {"descriptionId": id} | (said if isinstance(said, dict) else {"verdict": said}) for id, said in verdicts.items()
    ]
    told: list[dict[str, Any]] = account.graphql(REVIEW, input=given)["reviewDescriptions"]["reviews"]
    return told


def counts(account: Account, filter: str = "{}") -> dict[str, int]:
    found = account.graphql(f"{{ statistics(filter: {filter}) {{ reviewCounts {{ state count }} }} }}")["statistics"]
    return {one["state"]: one["count"] for one in found["reviewCounts"]}


def nothing_is_reviewed(account: Account) -> bool:
    return all(node["reviews"] == [] for node in account.graphql(SHOWN)["descriptions"]["nodes"])


def test_a_review_is_told_and_shown(account: Account) -> None:
    account.record({"id": "a"}, {"id": "b"}, {"id": "c"})
    before = datetime.now(UTC) - timedelta(seconds=1)
    by = account.keys[Scope.WRITE][: len("sightlog_") + 8]
    corrected = {"verdict": "CORRECTED", "text": "Ein „Hund“, 🐕\n", "note": "no cat"}
    told = review(account, c="ACCEPTED", a=corrected)
    moments = {one.pop("at") for one in told}
    assert told == [
        {"id": "c:1", "descriptionId": "c", "verdict": "ACCEPTED", "text": None, "note": None, "by": by},
        {"id": "a:1", "descriptionId": "a", "by": by} | corrected,
    ]
    [at] = moments
    assert before < datetime.fromisoformat(at) < datetime.now(UTC) + timedelta(seconds=1)
    shown = {node.pop("id"): node for node in account.graphql(SHOWN)["descriptions"]["nodes"]}
    assert shown == {
        "a": {
            "reviewState": "CORRECTED",
            "verification": corrected | {"verdict": "corrected", "by": by, "at": at},
            "reviews": [{"id": "a:1", "by": by, "at": at} | corrected],
        },
        "b": {"reviewState": "UNREVIEWED", "verification": None, "reviews": []},
        "c": {
            "reviewState": "ACCEPTED",
            "verification": {"verdict": "accepted", "text": None, "note": None, "by": by, "at": at},
            "reviews": [{"id": "c:1", "verdict": "ACCEPTED", "text": None, "note": None, "by": by, "at": at}],
        },
    }


def test_the_newest_of_all_reviews_counts(account: Account) -> None:
    account.record({"id": "a"}, {"id": "f", "status": "FAILED"})
    verdicts = ["REJECTED", "REJECTED", "ACCEPTED"]
    for verdict in verdicts:
        review(account, a=verdict, f="REJECTED")
    found = account.graphql('{ description(id: "a") { reviewState verification reviews { id verdict } } }')
    assert found["description"]["reviewState"] == "ACCEPTED"
    assert found["description"]["verification"]["verdict"] == "accepted"
    newest_first = [{"id": f"a:{3 - place}", "verdict": verdict} for place, verdict in enumerate(verdicts[::-1])]
    assert found["description"]["reviews"] == newest_first
    assert counts(account) == {"UNREVIEWED": 0, "ACCEPTED": 1, "REJECTED": 0, "CORRECTED": 0}
    assert counts(account, "{includeFailed: true}") == {"UNREVIEWED": 0, "ACCEPTED": 1, "REJECTED": 1, "CORRECTED": 0}


def test_the_last_hundred_are_shown(account: Account) -> None:
    account.record({"id": "a"})
    for _ in range(projection.MAX_REVIEWS + 2):
        review(account, a="REJECTED")
    [node] = account.graphql("{ descriptions { nodes { reviews { id } } } }")["descriptions"]["nodes"]
    assert [one["id"] for one in node["reviews"]] == [f"a:{number}" for number in range(102, 2, -1)]


def test_a_verification_that_was_recorded_is_shown(account: Account) -> None:
    account.record({"id": "own", "verification": {"by": "Ada"}}, {"id": "no", "verification": False}, {"id": "none"})
    review(account, own="REJECTED", no="REJECTED", none="REJECTED")
    nodes = account.graphql("{ descriptions { nodes { id verification reviewState } } }")["descriptions"]["nodes"]
    assert {node["reviewState"] for node in nodes} == {"REJECTED"}
    shown = {node["id"]: node["verification"] for node in nodes}
    assert (shown["own"], shown["no"], shown["none"]["verdict"]) == ({"by": "Ada"}, False, "rejected")


def test_many_are_reviewed_at_once_and_none_more(account: Account) -> None:
    account.record(*({"id": f"r{place}"} for place in range(reviews.MAX_REVIEWS + 1)))
    given = [{"descriptionId": f"r{place}", "verdict": "REJECTED"} for place in range(reviews.MAX_REVIEWS + 1)]
    error = account.refused(REVIEW, input=given)
    assert error["message"] == "At most 1000 reviews may be given at once."
    assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": "input"}
    assert counts(account)["UNREVIEWED"] == 1001
    told = account.graphql(REVIEW, input=given[1:][::-1])["reviewDescriptions"]["reviews"]
    assert [one["descriptionId"] for one in told] == [f"r{place}" for place in range(reviews.MAX_REVIEWS, 0, -1)]
    assert counts(account) == {"UNREVIEWED": 1, "ACCEPTED": 0, "REJECTED": 1000, "CORRECTED": 0}
    assert account.graphql(REVIEW, input=[]) == {"reviewDescriptions": {"reviews": []}}


GOOD = {"descriptionId": "a", "verdict": "REJECTED"}


@pytest.mark.parametrize(
    ("wrong", "field", "message"),
    [
        ({"verdict": "CORRECTED"}, "text", "Review 1: The verdict CORRECTED needs the text that is right."),
        (
            {"verdict": "CORRECTED", "text": " \n"},
            "text",
            "Review 1: The verdict CORRECTED needs the text that is right.",
        ),
        ({"verdict": "ACCEPTED", "text": "x"}, "text", "Review 1: A text goes with the verdict CORRECTED alone."),
        ({"verdict": "REJECTED", "text": ""}, "text", "Review 1: A text goes with the verdict CORRECTED alone."),
        ({"verdict": "CORRECTED", "text": "x" * 1_000_001}, "text", "Review 1: A text has at most 1000000 characters."),
        ({"verdict": "ACCEPTED", "note": "x" * 10_001}, "note", "Review 1: A note has at most 10000 characters."),
        (
            {"verdict": "ACCEPTED", "note": "\0"},
            "note",
            "Review 1: A note must hold no NUL character and no lone surrogate.",
        ),
    ],
)
def test_one_wrong_review_keeps_all_out(account: Account, wrong: dict[str, Any], field: str, message: str) -> None:
    account.record({"id": "a"}, {"id": "b"})
    error = account.refused(REVIEW, input=[GOOD, {"descriptionId": "b"} | wrong])
    assert (error["message"], error["extensions"]) == (
        message,
        {"code": "VALIDATION_ERROR", "field": f"input.1.{field}"},
    )
    assert nothing_is_reviewed(account)


@pytest.mark.parametrize("id", ["unknown", "", "\0", "A", "a "])
def test_an_unknown_id_keeps_all_out(account: Account, id: str) -> None:
    account.record({"id": "a"})
    error = account.refused(REVIEW, input=[GOOD, {"descriptionId": id, "verdict": "ACCEPTED"}])
    assert error["message"] == f"There is no result with the id '{id}'."
    assert error["extensions"] == {"code": "NOT_FOUND", "field": "input.1.descriptionId"}
    assert nothing_is_reviewed(account)


def test_another_accounts_result_is_not_there(make_account: Callable[[], Account]) -> None:
    mine, other = make_account(), make_account()
    mine.record({"id": "a"}, {"id": "both"})
    other.record({"id": "b"}, {"id": "both"})
    error = mine.refused(REVIEW, input=[GOOD, {"descriptionId": "b", "verdict": "ACCEPTED"}])
    assert (error["message"], error["extensions"]["code"]) == ("There is no result with the id 'b'.", "NOT_FOUND")
    review(mine, both="REJECTED")
    assert mine.graphql(MATCHING, count=1, verdict="ACCEPTED", filter={"reviewStates": ["UNREVIEWED"]})
    assert nothing_is_reviewed(other)
    assert counts(other)["UNREVIEWED"] == 2


def test_an_id_comes_once(account: Account) -> None:
    account.record({"id": "a"})
    error = account.refused(REVIEW, input=[GOOD, GOOD | {"verdict": "ACCEPTED"}])
    assert error["message"] == "The id 'a' comes twice: review each result once."
    assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": "input"}
    assert nothing_is_reviewed(account)


@pytest.mark.parametrize(
    ("query", "variables"), [(REVIEW, {"input": [GOOD]}), (MATCHING, {"count": 1, "verdict": "ACCEPTED"})]
)
def test_a_read_key_reviews_nothing(account: Account, query: str, variables: dict[str, Any]) -> None:
    account.record({"id": "a"})
    with account.connect(Scope.READ) as reader:
        answer = reader.post("/graphql", json={"query": query, "variables": variables}).json()
        assert (
            reader.post("/graphql", json={"query": SHOWN}).json()["data"]["descriptions"]["nodes"][0]["reviews"] == []
        )
    assert answer["data"] is None
    assert [error["extensions"] for error in answer["errors"]] == [{"code": "AUTHZ_ERROR"}]
    assert nothing_is_reviewed(account)


# All that match


@pytest.fixture
def dogs(account: Account) -> Account:
    """Five results, of which three are of dogs, and a failed one."""
    texts = ["A dog", "A cat", "Two dogs", "Dogs", None]
    account.record(
        *({"id": str(place), "description": text, "confidenceScore": place / 10} for place, text in enumerate(texts)),
        {"id": "failed", "status": "FAILED", "description": "dog"},
    )
    return account


def test_all_that_match_are_reviewed(dogs: Account) -> None:
    told = dogs.graphql(MATCHING, filter={"search": ["DOG"]}, count=3, verdict="REJECTED", note="no dogs")
    assert told == {"reviewMatching": {"reviewed": 3}}
    nodes = dogs.graphql(SHOWN)["descriptions"]["nodes"]
    rejected = {node["id"]: node["reviews"] for node in nodes if node["reviewState"] == "REJECTED"}
    assert rejected.keys() == {"0", "2", "3"}
    assert {one["note"] for found in rejected.values() for one in found} == {"no dogs"}
    assert len({one["at"] for found in rejected.values() for one in found}) == 1
    assert dogs.graphql(MATCHING, count=5, verdict="ACCEPTED")["reviewMatching"]["reviewed"] == 5
    assert counts(dogs, "{includeFailed: true}") == {"UNREVIEWED": 1, "ACCEPTED": 5, "REJECTED": 0, "CORRECTED": 0}


@pytest.mark.parametrize("expected", [0, 2, 4, 10_000])
def test_another_count_is_a_conflict(dogs: Account, expected: int) -> None:
    error = dogs.refused(MATCHING, filter={"search": ["dog"]}, count=expected, verdict="REJECTED")
    assert error["message"] == f"3 results match by now, not {expected}: look at them again."
    assert error["extensions"] == {"code": "CONFLICT", "field": "expectedCount"}
    assert nothing_is_reviewed(dogs)


def test_none_may_match(dogs: Account) -> None:
    told = dogs.graphql(MATCHING, filter={"search": ["bird"]}, count=0, verdict="REJECTED")
    assert told == {"reviewMatching": {"reviewed": 0}}
    assert nothing_is_reviewed(dogs)


@pytest.mark.parametrize(
    ("variables", "field", "message"),
    [
        (
            {"verdict": "CORRECTED"},
            "verdict",
            "Results are corrected one by one: each has a text of its own.",
        ),
        (
            {"count": 10_001},
            "expectedCount",
            "0 to 10000 results may be reviewed at once: narrow the filter, by days for example.",
        ),
        (
            {"count": -1},
            "expectedCount",
            "0 to 10000 results may be reviewed at once: narrow the filter, by days for example.",
        ),
        ({"note": "x" * 10_001}, "note", "A note has at most 10000 characters."),
        ({"filter": {"minConfidence": 2}}, "minConfidence", "A confidence score lies between 0 and 1."),
    ],
)
def test_what_cannot_be_meant(dogs: Account, variables: dict[str, Any], field: str, message: str) -> None:
    error = dogs.refused(MATCHING, **({"count": 5, "verdict": "ACCEPTED"} | variables))
    assert (error["message"], error["extensions"]) == (message, {"code": "VALIDATION_ERROR", "field": field})
    assert nothing_is_reviewed(dogs)


@pytest.fixture(scope="module", params=both_engines)
def few_at_once(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Account]:
    with own.own_stack(request, tmp_path_factory, "few-at-once", {"SIGHTLOG_MAX_REVIEWED_AT_ONCE": "2"}) as account:
        account.record(*({"id": f"d{number}", "description": "A dog"} for number in range(3)))
        yield account


def test_how_many_at_once_is_a_setting(few_at_once: Account) -> None:
    error = few_at_once.refused(MATCHING, count=3, verdict="ACCEPTED")
    assert error["message"] == "0 to 2 results may be reviewed at once: narrow the filter, by days for example."
    error = few_at_once.refused(MATCHING, count=2, verdict="ACCEPTED")
    assert error["message"] == "More than 2 results match by now, not 2: look at them again."
    told = few_at_once.graphql(MATCHING, filter={"endDate": "1999-01-01"}, count=0, verdict="ACCEPTED")
    assert told == {"reviewMatching": {"reviewed": 0}}


# Counts


def test_counts_follow_every_review_wherever_they_are_asked_for(dogs: Account) -> None:
    query = f"""{{ {COUNTS} descriptions(first: 1) {{ totalCount {COUNTS} }}
        open: descriptions(filter: {{reviewStates: [UNREVIEWED]}}) {{ totalCount nodes {{ id }} {COUNTS} }}
        few: descriptions(filter: {{search: ["dog"]}}, first: 0) {{ {COUNTS} }}
        plain: statistics {{ totalCount averageConfidence }} }}"""

    def told(*numbers: int) -> dict[str, Any]:
        states = ("UNREVIEWED", "ACCEPTED", "REJECTED", "CORRECTED")
        found = [{"state": state, "count": count} for state, count in zip(states, numbers, strict=True)]
        return {"totalCount": sum(numbers), "reviewCounts": found}

    for verdict, whole, few in (
        ("ACCEPTED", (4, 1, 0, 0), (3, 0, 0, 0)),
        ("REJECTED", (4, 0, 1, 0), (3, 0, 0, 0)),
    ):
        review(dogs, **{"1": verdict})
        for _ in range(2):
            found = dogs.graphql(query)
            assert found["statistics"] == found["descriptions"]["statistics"] == told(*whole)
            assert found["few"]["statistics"] == told(*few)
            assert found["open"]["totalCount"] == 4
            assert [node["id"] for node in found["open"]["nodes"]] == ["4", "3", "2", "0"]
            assert found["open"]["statistics"] == told(4, 0, 0, 0)
            assert found["plain"] == {"totalCount": 5, "averageConfidence": 0.2}


def test_recording_again_keeps_the_reviews(account: Account) -> None:
    record = """mutation($input: [DescriptionInput!]!, $how: OnConflict) {
        recordDescriptions(input: $input, onConflict: $how) { alreadyKnown conflicting replaced } }"""
    one: dict[str, Any] = {"id": "a", "sourceType": "single", "createdAt": "2025-01-15T10:30:00Z"}
    one |= {"description": "first"}
    account.record(one)
    review(account, a="REJECTED")
    known = {"alreadyKnown": 1, "conflicting": 0, "replaced": 0}
    shown = account.graphql('{ description(id: "a") { verification } }')["description"]["verification"]
    for verification in (None, shown):
        given = one | {"verification": verification}
        assert account.graphql(record, input=[given])["recordDescriptions"] == known
    other = one | {"verification": shown | {"note": "mine"}}
    assert account.graphql(record, input=[other])["recordDescriptions"] == known | {"conflicting": 1}
    with account.connect(Scope.ADMIN) as admin:
        for given in (one | {"description": "second"}, one | {"description": "third", "verification": shown}):
            variables = {"input": [given], "how": "REPLACE"}
            answer = admin.post("/graphql", json={"query": record, "variables": variables}).json()
            assert answer["data"]["recordDescriptions"] == {"alreadyKnown": 0, "conflicting": 0, "replaced": 1}
    found = account.graphql('{ description(id: "a") { description reviewState verification reviews { id } } }')
    assert found["description"] == {
        "description": "third",
        "reviewState": "REJECTED",
        "verification": shown,
        "reviews": [{"id": "a:1"}],
    }
    assert counts(account)["REJECTED"] == 1
    review(account, a="ACCEPTED")
    found = account.graphql('{ description(id: "a") { verification } }')
    assert found["description"]["verification"]["verdict"] == "accepted"


def test_reviews_of_a_page_are_written_with_what_is_selected(account: Account) -> None:
    account.record({"id": "a"}, {"id": "b"})
    review(account, a={"verdict": "CORRECTED", "text": "x"}, b="ACCEPTED")
    selected = "s: reviewState r: reviews { __typename t: text note @skip(if: true) ... { v: verdict } }"
    query = f"""{{ descriptions {{ nodes {{ id {selected} }} edges {{ node {{ {selected} }} }} }}
        description(id: "a") {{ {selected} }} }}"""
    a = {"s": "CORRECTED", "r": [{"__typename": "Review", "t": "x", "v": "CORRECTED"}]}
    b = {"s": "ACCEPTED", "r": [{"__typename": "Review", "t": None, "v": "ACCEPTED"}]}
    assert account.graphql(query) == {
        "descriptions": {
            "nodes": [{"id": "b"} | b, {"id": "a"} | a],
            "edges": [{"node": b}, {"node": a}],
        },
        "description": a,
    }
