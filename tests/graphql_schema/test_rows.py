"""recordDescriptions row by row: what is refused is left out, the rest is recorded, and each row is told of."""

import json
import uuid
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic.alias_generators import to_camel, to_snake

from app.models import Scope
from tests import model
from tests.commands import sightlog
from tests.conftest import Account
from tests.graphql_schema.conftest import COUNT

COUNTS = "recorded alreadyKnown conflicting replaced refused"
ROWS = "rows { index id outcome error { code field message } }"
RECORD = f"""mutation($input: [DescriptionInput!]!, $onConflict: OnConflict, $onInvalid: OnInvalid) {{
    recordDescriptions(input: $input, onConflict: $onConflict, onInvalid: $onInvalid) {{
        ids conflictingIds {COUNTS} {ROWS}
    }}
}}"""
NONE = dict.fromkeys(COUNTS.split(), 0)
MINIMAL = {"sourceType": "single", "createdAt": "2025-01-15T10:30:00Z"}


def send(account: Account, rows: Sequence[Any], query: str = RECORD, **how: str) -> Any:
    """What the server answers to a key that may do all."""
    with account.connect(Scope.ADMIN) as admin:
        body = {"query": query, "variables": {"input": rows, **how}}
        return admin.post("/graphql", json=body).json()


def skip(account: Account, *rows: dict[str, Any], **how: str) -> dict[str, Any]:
    answer = send(account, rows, onInvalid="SKIP", **how)
    assert "errors" not in answer, answer
    told: dict[str, Any] = answer["data"]["recordDescriptions"]
    return told


def row(index: int, id: str | None, outcome: str, field: str = "", message: str = "") -> dict[str, Any]:
    error = {"code": "VALIDATION_ERROR", "field": f"input.{index}.{field}", "message": message}
    return {"index": index, "id": id, "outcome": outcome, "error": error if field else None}


# What is told


def test_each_row_is_told_of_in_the_order_given(account: Account) -> None:
    account.record({"id": "same", **MINIMAL}, {"id": "other", **MINIMAL})
    rows: list[dict[str, Any]] = [
        {"id": "z", **MINIMAL},
        {"id": "bad", **MINIMAL, "confidenceScore": 1.5, "imageId": ""},
        {"id": "other", **MINIMAL, "description": "A cat"},
        {**MINIMAL, "sourceType": ""},
        {"id": "same", **MINIMAL},
        {"id": "z", **MINIMAL},
        {"id": "a", **MINIMAL},
    ]
    reason = (
        "confidenceScore: Input should be less than or equal to 1; imageId: String should have at least 1 character"
    )
    told = [
        row(0, "z", "RECORDED"),
        row(1, "bad", "REFUSED", "confidenceScore", reason),
        row(2, "other", "CONFLICTING"),
        row(3, None, "REFUSED", "sourceType", "sourceType: String should have at least 1 character"),
        row(4, "same", "KNOWN"),
        row(5, "z", "REFUSED", "id", "id: comes twice in one batch"),
        row(6, "a", "RECORDED"),
    ]
    assert skip(account, *rows) == {
        "ids": ["z", "other", "same", "a"],
        "conflictingIds": ["other"],
        **(NONE | {"recorded": 2, "alreadyKnown": 2, "conflicting": 1, "refused": 3}),
        "rows": told,
    }
    replaced = skip(account, *rows[:3], onConflict="REPLACE")
    assert [one["outcome"] for one in replaced["rows"]] == ["KNOWN", "REFUSED", "REPLACED"]
    assert {name: replaced[name] for name in NONE} == NONE | {"alreadyKnown": 1, "replaced": 1, "refused": 1}
    found = account.graphql("{ descriptions { nodes { id description } } }")["descriptions"]["nodes"]
    assert {one["id"]: one["description"] for one in found} == {"z": None, "a": None, "same": None, "other": "A cat"}


def test_rows_are_told_where_nothing_may_be_refused_too(account: Account) -> None:
    answer = send(account, [{"id": "b", **MINIMAL}, {"id": "a", **MINIMAL}])["data"]["recordDescriptions"]
    assert answer["rows"] == [row(0, "b", "RECORDED"), row(1, "a", "RECORDED")]
    assert answer["refused"] == 0
    answer = send(account, [])["data"]["recordDescriptions"]
    assert answer == {"ids": [], "conflictingIds": [], **NONE, "rows": []}


def test_a_batch_of_nothing_but_refused_rows_records_nothing(account: Account) -> None:
    told = skip(account, {"id": "", **MINIMAL}, {"id": "a\0", **MINIMAL})
    assert (told["refused"], told["ids"]) == (2, [])
    assert [(one["id"], one["outcome"]) for one in told["rows"]] == [("", "REFUSED"), ("a\0", "REFUSED")]
    assert account.graphql(COUNT) == {"descriptions": {"totalCount": 0}}


def test_a_refused_row_does_not_keep_out_a_good_one_of_its_id(account: Account) -> None:
    told = skip(account, {"id": "a", **MINIMAL, "metadata": []}, {"id": "a", **MINIMAL})
    assert [one["outcome"] for one in told["rows"]] == ["REFUSED", "RECORDED"]
    assert account.graphql(COUNT) == {"descriptions": {"totalCount": 1}}


def test_of_an_id_that_is_too_long_the_beginning_is_told(account: Account) -> None:
    told = skip(account, {"id": "é" * 1_000_000, **MINIMAL})["rows"]
    assert told == [row(0, "é" * 255, "REFUSED", "id", "id: String should have at most 255 characters")]


def test_rows_are_written_with_the_keys_that_are_selected(account: Account) -> None:
    query = """mutation($input: [DescriptionInput!]!, $no: Boolean = false) {
        recordDescriptions(input: $input, onInvalid: SKIP) {
            one: rows { what: outcome index @skip(if: true) ...Row }
            two: rows @include(if: $no) { id }
            three: rows { error @include(if: $no) { code } error { __typename } }
        }
    } fragment Row on RecordedRow { __typename error { field why: message @skip(if: $no) } at: index }"""
    answer = send(account, [{"id": "a", **MINIMAL}, {"id": "", **MINIMAL}], query)
    error = {"field": "input.1.id", "why": "id: String should have at least 1 character"}
    assert json.dumps(answer["data"]["recordDescriptions"]) == json.dumps(
        {
            "one": [
                {"what": "RECORDED", "__typename": "RecordedRow", "error": None, "at": 0},
                {"what": "REFUSED", "__typename": "RecordedRow", "error": error, "at": 1},
            ],
            "three": [{"error": None}, {"error": {"__typename": "RecordError"}}],
        }
    )


# What fails the whole request


def test_a_read_key_records_no_row(account: Account) -> None:
    with account.connect(Scope.READ) as reader:
        body = {"query": RECORD, "variables": {"input": [{"id": "a", **MINIMAL}], "onInvalid": "SKIP"}}
        answer = reader.post("/graphql", json=body).json()
    assert [error["extensions"] for error in answer["errors"]] == [{"code": "AUTHZ_ERROR"}]
    assert account.graphql(COUNT) == {"descriptions": {"totalCount": 0}}


def test_a_batch_of_rows_is_at_most_ten_thousand(account: Account) -> None:
    rows = [{"id": str(n), "sourceType": ""} for n in range(10_001)]
    [error] = send(account, rows, onInvalid="SKIP")["errors"]
    assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": "input"}
    told = skip(account, *rows[:9_999], {"id": "good", **MINIMAL})
    assert {name: told[name] for name in NONE} == NONE | {"recorded": 1, "refused": 9_999}
    assert told["rows"][9_999] == row(9_999, "good", "RECORDED")


def test_an_answer_that_would_be_too_large_records_nothing(account: Account) -> None:
    aliases = " ".join(f"a{place:0200}: id" for place in range(29))
    query = f"mutation($input: [DescriptionInput!]!) {{ recordDescriptions(input: $input) {{ rows {{ {aliases} }} }} }}"
    [error] = send(account, [{"id": str(n), **MINIMAL} for n in range(10_000)], query)["errors"]
    assert error["extensions"] == {"code": "PAYLOAD_TOO_LARGE"}
    assert account.graphql(COUNT) == {"descriptions": {"totalCount": 0}}


@pytest.mark.parametrize("letters", [1, 300_000])
@pytest.mark.parametrize("count", [20, 200])
def test_what_is_not_of_its_type_fails_the_request_until_it_is_taken_out(
    account: Account, count: int, letters: int
) -> None:
    rows: list[dict[str, Any]] = [{"id": f"r{place}", **MINIMAL} for place in range(count)]
    rows[0]["description"] = "x" * letters
    rows[2]["confidenceScore"] = 2
    wrong: dict[int, dict[str, Any]] = {
        3: {"confidenceScore": "0.5"},
        5: {"createdAt": "yesterday"},
        8: {"status": "done"},
        11: {"sourceType": None},
        13: {"unknown": 1},
        17: {"description": 5},
    }
    for place, values in wrong.items():
        rows[place] |= values
    answer = send(account, rows, onInvalid="SKIP")
    assert "data" not in answer
    fields = [error["extensions"]["field"] for error in answer["errors"]]
    assert fields == [f"input.{place}.{name}" for place, values in wrong.items() for name in values]
    assert {error["extensions"]["code"] for error in answer["errors"]} == {"VALIDATION_ERROR"}
    assert account.graphql(COUNT) == {"descriptions": {"totalCount": 0}}
    told = skip(account, *[one for place, one in enumerate(rows) if place not in wrong])
    assert {name: told[name] for name in NONE} == NONE | {"recorded": count - len(wrong) - 1, "refused": 1}


# Whatever is given


GOOD = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["a", "b", "c", "d", None]),
        "createdAt": st.sampled_from(["2025-01-01T23:59:59Z", "2025-01-02T00:00:00Z"]),
        "sourceType": st.sampled_from(["s", "t"]),
        "confidenceScore": st.sampled_from([None, 0.0, 0.3, 0.85, 1.0]),
        "description": st.sampled_from([None, "", "A dog"]),
        "metadata": st.sampled_from([{}, {"a": [1, None]}]),
        "status": st.sampled_from(["COMPLETED", "FAILED"]),
    }
)
WRONG = st.fixed_dictionaries(
    {},
    optional={
        "id": st.sampled_from(["", "a\0", "x" * 256]),
        "sourceType": st.sampled_from(["", "s" * 256]),
        "confidenceScore": st.sampled_from([-0.1, 1.0001]),
        "description": st.just("\0"),
        "metadata": st.sampled_from([[], "text", {"a": ["\0"]}]),
    },
)
IN_ORDER = ["id", "sourceType", "description", "confidenceScore", "metadata"]
DRAWN = st.tuples(GOOD, st.just({}) | st.just({}) | WRONG)
HOW = st.sampled_from(["KEEP", "REPLACE"]), st.sampled_from(["FAIL", "SKIP"])

Drawn = tuple[dict[str, Any], dict[str, Any]]


class Model:
    """The history in plain Python, which knows what is wrong with each row, as it was drawn so."""

    def __init__(self) -> None:
        self.results: dict[str, dict[str, Any]] = {}

    def record(self, drawn: Sequence[Drawn], on_conflict: str) -> list[tuple[str, list[str]]]:
        """The outcome of each row, and the fields that it is refused for; an id that was left out is its place."""
        outcomes, seen = [], set[str]()
        for place, (good, wrong) in enumerate(drawn):
            id = good["id"] or f"at {place}"
            if wrong or id in seen:
                outcomes.append(("REFUSED", sorted(wrong, key=IN_ORDER.index) or ["id"]))
                continue
            seen.add(id)
            content = good | {"id": id}
            known = self.results.get(id)
            outcome = "RECORDED" if known is None else "KNOWN" if known == content else "CONFLICTING"
            if outcome == "CONFLICTING" and on_conflict == "REPLACE":
                outcome = "REPLACED"
            if outcome in ("RECORDED", "REPLACED"):
                self.results[id] = content
            outcomes.append((outcome, []))
        return outcomes

    def name(self, place: int, id: str) -> None:
        self.results[id] = self.results.pop(f"at {place}") | {"id": id}

    def matching(self) -> list[model.Dict]:
        named = [{to_snake(name): value for name, value in one.items()} for one in self.results.values()]
        return model.matches([one | {"status": one["status"].lower()} for one in named], {})


def test_what_is_recorded_is_what_the_model_says(make_account: Callable[[], Account]) -> None:
    accounts: list[Account] = []

    @given(batches=st.lists(st.tuples(st.lists(DRAWN, max_size=8), *HOW), min_size=1, max_size=4))
    @settings(max_examples=50, deadline=None)
    def whatever_is_given(batches: list[tuple[list[Drawn], str, str]]) -> None:
        accounts.append(make_account())
        assert_recorded(accounts[-1], batches)

    whatever_is_given()
    checked = sightlog(accounts[0].stack, "db", "check").stderr
    assert "differs" not in checked
    assert not [account.id for account in accounts if f"({account.id}," in checked]


def assert_recorded(account: Account, batches: list[tuple[list[Drawn], str, str]]) -> None:
    kept = Model()
    for drawn, on_conflict, on_invalid in batches:
        rows = [good | wrong for good, wrong in drawn]
        answer = send(account, rows, onConflict=on_conflict, onInvalid=on_invalid)
        expected = Model()
        expected.results = dict(kept.results)
        outcomes = expected.record(drawn, on_conflict)
        refused = [place for place, (outcome, _) in enumerate(outcomes) if outcome == "REFUSED"]
        if refused and on_invalid == "FAIL":
            [error] = answer["errors"]
            field = f"input.{refused[0]}.{outcomes[refused[0]][1][0]}"
            assert error["extensions"] == {"code": "VALIDATION_ERROR", "field": field}
            assert answer["data"] is None
            continue
        told, kept = answer["data"]["recordDescriptions"], expected
        assert_told(told, rows, outcomes)
        for place, one in enumerate(told["rows"]):
            if rows[place]["id"] is None and one["outcome"] == "RECORDED":
                assert uuid.UUID(one["id"]).version == 7
                kept.name(place, one["id"])
    assert_kept(account, kept)


def assert_told(told: dict[str, Any], rows: list[dict[str, Any]], outcomes: list[tuple[str, list[str]]]) -> None:
    found = told["rows"]
    assert [(one["index"], one["outcome"]) for one in found] == [
        (place, outcome) for place, (outcome, _) in enumerate(outcomes)
    ]
    counts = Counter(outcome for outcome, _ in outcomes)
    assert {name: told[name] for name in NONE} == {
        "recorded": counts["RECORDED"],
        "alreadyKnown": counts["KNOWN"] + counts["CONFLICTING"],
        "conflicting": counts["CONFLICTING"],
        "replaced": counts["REPLACED"],
        "refused": counts["REFUSED"],
    }
    assert told["ids"] == [one["id"] for one in found if one["outcome"] != "REFUSED"]
    assert told["conflictingIds"] == sorted(one["id"] for one in found if one["outcome"] == "CONFLICTING")
    for place, ((outcome, fields), one) in enumerate(zip(outcomes, found, strict=True)):
        if rows[place]["id"] is not None:
            assert one["id"] == rows[place]["id"][:255]
        if outcome != "REFUSED":
            assert one["error"] is None
            continue
        assert (one["error"]["code"], one["error"]["field"]) == ("VALIDATION_ERROR", f"input.{place}.{fields[0]}")
        assert [problem.partition(": ")[0] for problem in one["error"]["message"].split("; ")] == fields


def assert_kept(account: Account, kept: Model) -> None:
    fields = list(next(iter(kept.results.values()), {"id": ""}))
    query = f"""{{ descriptions(filter: {{includeFailed: true}}) {{ nodes {{ {" ".join(fields)} }} }}
        statistics {{ totalCount averageConfidence dailyCounts {{ date count }} confidenceDistribution {{ range count }}
            sourceDistribution {{ sourceType count }} }} }}"""
    found = account.graphql(query)
    nodes = {node["id"]: node for node in found["descriptions"]["nodes"]}
    assert nodes == kept.results
    matching = kept.matching()
    expected = model.statistics(matching)
    assert found["statistics"] == {
        "totalCount": expected["total_count"],
        "averageConfidence": expected["average_confidence"]
        if any(one["confidence_score"] is not None for one in matching)
        else None,
        "dailyCounts": expected["daily_counts"],
        "sourceDistribution": listed(expected["source_distribution"], "source_type"),
        "confidenceDistribution": listed(expected["confidence_distribution"], "range"),
    }


def listed(counts: dict[str, int], name: str) -> list[dict[str, Any]]:
    return [{to_camel(name): value, "count": count} for value, count in counts.items()]
