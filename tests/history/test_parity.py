"""For any history and any filter, REST, GraphQL and an export say what the contract in plain Python says."""

import csv
import io
import json
import math
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from fractions import Fraction
from typing import Any

import httpx
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st
from sqlalchemy import Text, cast, literal, select
from sqlalchemy.dialects.postgresql import JSONB

from app import jsontext, times
from app.engine import dialects
from app.engine.db import Database
from app.exports import writers
from app.exports.formats import FORMATS, ExportFormat
from app.exports.rows import Rows
from app.exports.statement import Selection
from app.history import columns, recording, scores
from app.history.filters import DescriptionFilter
from app.history.recording import Result
from app.imports import readers
from app.models import DescriptionStatus
from tests import model
from tests.commands import sightlog
from tests.conftest import Account, new_account
from tools.servers import Servers
from tools.stack import Stack

Dict = dict[str, Any]

ITEM = "id type source_type source_id created_at image_url description confidence_score verification image_id metadata"
ITEM_KEYS = ITEM.split()
SEED = random.SystemRandom().randrange(2**32)

OF_TEXT = [format for format in ExportFormat if not FORMATS[format].is_packed]

NODE = """id type status sourceType sourceId createdAt imageUrl imageId description confidenceScore verification
    metadata errorMessage reviewState"""
STATISTICS = """totalCount scoredCount averageConfidence confidenceDistribution { range count }
    dailyCounts { date count } sourceDistribution { sourceType count } typeDistribution { type count }
    reviewCounts { state count }"""
LIST = f"""query($filter: DescriptionFilter, $first: Int, $after: String, $last: Int, $before: String) {{
    descriptions(filter: $filter, first: $first, after: $after, last: $last, before: $before) {{
        nodes {{ {NODE} }}
        totalCount
        pageInfo {{ hasNextPage hasPreviousPage startCursor endCursor }}
        statistics {{ {STATISTICS} }}
        filtersApplied {{ dateRangeApplied confidenceRangeApplied searchApplied sourceTypesFiltered filterSummary }}
    }}
    statistics(filter: $filter) {{ {STATISTICS} }}
}}"""
REVIEW = """mutation($input: [ReviewInput!]!) {
    reviewDescriptions(input: $input) { reviews { descriptionId verdict text note by at } } }"""
EXPORT = """mutation($filter: DescriptionFilter, $format: ExportFormat!, $limit: Int) {
    createExport(input: {format: $format, filter: $filter, limit: $limit, fields: ["description", "id"]}) { id }
}"""

TEXTS = (
    "Straße", "STRASSE", "naïve café", "NAÏVE CAFE\u0301", "İstanbul", "istanbul", "ΣΊΣΥΦΟΣ", "σίσυφος", "ﬁne", "FINE",
    "Dog", "dog", "50% off", "50 off", "a_b", "axb", "back\\slash", "back/slash", "\\%", "'; DROP TABLE", 'say "hi"',
    "one, two", "two lines\nof text", "a\ttab", "🏔️ snow", "日本語", "null", "", " ", "x" * 300, "\x7f\x1b[31m",
    "\u2028",
)  # fmt: skip
SCORES = (
    0.0, 1.0, 5e-324, 1e-05, 0.00005, 0.00015, 0.30000000000000004, 0.1234567890123456, 0.7 - 1e-16,
    *(edge / 10 for edge in range(1, 10)),
    *(math.nextafter(edge / 10, 0) for edge in range(1, 10)),
    *(math.nextafter(edge / 10, 1) for edge in range(1, 10)),
)  # fmt: skip
SOURCES = ("single", "batch", "Single", "früh", "a, b", "s%", "_")
TYPES = ("description", "rule", "extraction", "Rule", "描述")
IMAGES = (None, "img_1", "IMG_1", "img_2", "img%", "ïmg")
MIDNIGHT = datetime(2024, 2, 28, tzinfo=UTC)


def generate(seed: int, count: int) -> list[Dict]:
    """Results with ties of time, edges of days, every score of note, and texts made of the hard ones."""
    chance = random.Random(seed)
    times = [MIDNIGHT + timedelta(hours=chance.randrange(24 * 60)) for _ in range(count // 6)]
    times += [MIDNIGHT + timedelta(days=day, microseconds=off) for day in range(3) for off in (-1, 0, 1, 1000)]
    return [
        {
            "id": chance.choice(("", "é", "Z", "a", "😀", "\ufffd", "ÿ")) + f"{number}",
            "type": chance.choice(TYPES),
            "status": chance.choice(("completed",) * 5 + ("failed",)),
            "source_type": chance.choice(SOURCES[:2] * 4 + SOURCES),
            "source_id": chance.choice((None, "op_1", "")) or None,
            "created_at": chance.choice(times).isoformat().replace("+00:00", "Z"),
            "image_url": chance.choice((None, "https://example.com/ü.jpg?a=1&b=2")),
            "image_id": chance.choice(IMAGES),
            "description": chance.choice((None, "".join(chance.choices(TEXTS, k=chance.randrange(1, 4))))),
            "confidence_score": chance.choice((None, chance.random(), chance.randrange(99) / 100, *SCORES[::4])),
            "verification": chance.choice((None, True, {"by": "ü", "ok": [1, None]})),
            "metadata": chance.choice(({}, {"b": 1.5, "aa": "x: 1, y"})),
            "error_message": chance.choice((None, "timeout")),
        }
        for number in range(count)
    ]  # fmt: skip


def nasty() -> list[Dict]:
    """All at one moment but for some a microsecond beside it; every text and every score comes."""
    moments = ["2025-01-15T10:30:00Z"] * 6 + ["2025-01-15T10:29:59.999999Z", "2025-01-15T10:30:00.000001Z"]
    return [
        dict.fromkeys(ITEM_KEYS)
        | {"id": f"{'aA'[place % 2]}{place}", "type": "rule", "status": "completed", "source_type": SOURCES[place % 7]}
        | {"created_at": moments[place % 8], "metadata": {}, "error_message": None}
        | {"description": TEXTS[place % len(TEXTS)], "confidence_score": SCORES[place] if place < len(SCORES) else None}
        for place in range(48)
    ]


class History:
    def __init__(self, account: Account, results: list[Dict]) -> None:
        self.account = account
        self.results = results


@pytest.fixture(scope="module")
def histories(stack: Stack, database: Database) -> Iterator[list[History]]:
    made = []
    for results in (generate(SEED, 300), nasty()):
        account = new_account(stack, database)
        lines = "".join(json.dumps(result) + "\n" for result in results)
        told = sightlog(stack, "import", "-", "--account", account.name, input=lines.encode())
        assert told.stdout == f"{len(results)} recorded, 0 already known, 0 rejected\n", told.stderr
        made.append(History(account, reviewed(account, results)))
    yield made
    for history in made:
        history.account.close()


def reviewed(account: Account, results: list[Dict]) -> list[Dict]:
    """The results, after some were reviewed, and some of these once more."""
    chance, state = random.Random(SEED), {result["id"]: result | {"review_state": "UNREVIEWED"} for result in results}
    for part in (3, 10):
        given = [
            {"descriptionId": id, "verdict": verdict, "text": "Ü" if verdict == "CORRECTED" else None, "note": "x, y"}
            for id in chance.sample(sorted(state), len(state) // part)
            for verdict in [chance.choice(model.VERDICTS)]
        ]
        for told in account.graphql(REVIEW, input=given)["reviewDescriptions"]["reviews"]:
            id, verdict = told.pop("descriptionId"), told["verdict"]
            before = next(result for result in results if result["id"] == id)
            shown = before["verification"] if before["verification"] is not None else told
            state[id] |= {"review_state": verdict, "verification": shown}
            told["verdict"] = verdict.lower()
    return list(state.values())


def spelled(moment: datetime) -> st.SearchStrategy[str]:
    """A moment in the ways that ISO 8601 has for it."""
    spellings = [moment.isoformat().replace("+00:00", "Z"), moment.replace(tzinfo=None).isoformat()]
    spellings += [moment.astimezone(timezone(timedelta(minutes=offset))).isoformat() for offset in (330, -480)]
    if moment.time() == datetime.min.time():
        spellings.append(moment.date().isoformat())
    return st.sampled_from(spellings)


def around(place: int) -> st.SearchStrategy[datetime]:
    """A moment at, or right beside, one at which something was recorded."""
    start, spread = ((MIDNIGHT, 60 * 24), (datetime(2025, 1, 15, 10, 30, tzinfo=UTC), 0))[place]
    hours = st.integers(-1, spread).map(lambda hours: timedelta(hours=hours))
    return st.builds(lambda hours, off: start + hours + timedelta(microseconds=off), hours, st.integers(-1, 1))


bounds = st.one_of(st.sampled_from(SCORES), st.floats(0, 1).map(abs), st.integers(0, 20).map(lambda part: part / 20))
parts_of_texts = st.builds(
    lambda text, start, length: text[start : start + length],
    st.sampled_from(TEXTS), st.integers(0, 6), st.integers(1, 6),
)  # fmt: skip
terms = st.one_of(
    st.sampled_from(TEXTS),
    parts_of_texts,
    parts_of_texts.map(str.swapcase),
    parts_of_texts.map(lambda part: f"  {part}\t"),
    st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=3),
)


@st.composite
def ranges(draw: st.DrawFn, names: tuple[str, str], values: st.SearchStrategy[Any]) -> Dict:
    """Both bounds, one of them, or none."""
    found = sorted(draw(st.lists(values, max_size=2)))
    return dict(zip(names if len(found) == 2 else draw(st.permutations(names)), found, strict=False))


@st.composite
def filters_of(draw: st.DrawFn, place: int, *, documented: bool) -> Dict:
    """A filter that means something for the history at that place; `documented`: one that REST knows."""
    found: Dict = {}
    found |= draw(ranges(("start_date", "end_date"), around(place)))
    found |= draw(ranges(("min_confidence", "max_confidence"), bounds))
    found |= {name: draw(spelled(found[name])) for name in ("start_date", "end_date") if name in found}
    plain = (lambda text: "," not in text) if documented else (lambda text: True)
    lists = {"search": terms.filter(plain), "source_types": st.sampled_from([*SOURCES, "unknown"]).filter(plain)}
    if not documented:
        lists |= {"types": st.sampled_from([*TYPES, "unknown"]), "image_ids": st.sampled_from([*IMAGES[1:], "unknown"])}
        lists |= {"source_ids": st.sampled_from(["op_1", "unknown"]), "exclude_search": terms}
        lists |= {"review_states": st.sampled_from(model.STATES)}
        for name in ("include_failed", "include_unscored"):
            found[name] = draw(st.booleans())
        found["search_mode"] = draw(st.sampled_from(("ANY", "ALL")))
    for name, values in lists.items():
        if draw(st.booleans()):
            found[name] = draw(st.lists(values, max_size=4, unique=True))
    return found


def cases(*, documented: bool) -> st.SearchStrategy[tuple[int, Dict]]:
    """The place of a history, and a filter for it."""
    return st.integers(0, 1).flatmap(lambda place: st.tuples(st.just(place), filters_of(place, documented=documented)))


def examples(count: int) -> settings:
    return settings(max_examples=count, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def query_of(wanted: Dict) -> dict[str, str]:
    return {
        name: ",".join(value) if isinstance(value, list) else repr(value) if isinstance(value, float) else value
        for name, value in wanted.items()
    }


def camel(name: str) -> str:
    first, *others = name.split("_")
    return first + "".join(map(str.capitalize, others))


def filter_of(wanted: Dict) -> Dict:
    return {camel(name): value for name, value in wanted.items()}


def as_node(result: Dict) -> Dict:
    node = {camel(name): value for name, value in result.items()} | {"status": result["status"].upper()}
    return node | {"createdAt": times.iso(model.moment(result["created_at"]))}


def as_item(result: Dict) -> Dict:
    return {name: result[name] for name in ITEM_KEYS} | {"created_at": times.iso(model.moment(result["created_at"]))}


def as_graphql(found: Dict, matching: list[Dict], scored: int) -> Dict:
    """Statistics of the model, by their GraphQL names."""
    return {
        "reviewCounts": [{"state": state, "count": count} for state, count in model.review_counts(matching).items()],
        "totalCount": found["total_count"],
        "scoredCount": scored,
        "averageConfidence": found["average_confidence"] if scored else None,
        "confidenceDistribution": [
            {"range": name, "count": count} for name, count in found["confidence_distribution"].items()
        ],
        "dailyCounts": found["daily_counts"],
        "sourceDistribution": [
            {"sourceType": name, "count": count} for name, count in found["source_distribution"].items()
        ],
        "typeDistribution": [{"type": name, "count": count} for name, count in model.types(matching).items()],
    }


def check_graphql(history: History, wanted: Dict) -> list[Dict]:
    """The matches; GraphQL gives just these and says just this of them."""
    matching = model.matches(history.results, wanted)
    counted = model.statistics(matching)
    scored = sum(result["confidence_score"] is not None for result in matching)
    data = history.account.graphql(LIST, filter=filter_of(wanted), first=1000)
    found = data["descriptions"]
    assert found["nodes"] == [as_node(result) for result in matching]
    assert found["totalCount"] == len(matching)
    assert found["statistics"] == data["statistics"] == as_graphql(counted, matching, scored)
    assert found["filtersApplied"] == {camel(key): value for key, value in model.filters_applied(wanted).items()}
    assert (found["pageInfo"]["hasNextPage"], found["pageInfo"]["hasPreviousPage"]) == (False, False)
    return matching


@given(case=cases(documented=True), limit=st.integers(1, 400), offset=st.integers(0, 310))
@examples(60)
def test_rest_and_graphql_answer_as_the_model(
    histories: list[History], case: tuple[int, Dict], limit: int, offset: int
) -> None:
    note(f"SEED {SEED}")
    place, wanted = case
    history = histories[place]
    matching = check_graphql(history, wanted)
    page = {"limit": limit, "offset": offset}
    answer = history.account.client.get("/api/v2/data/descriptions", params={**query_of(wanted), **page}).json()
    assert answer == {
        "items": [as_item(result) for result in matching[offset : offset + limit]],
        "total_count": len(matching),
        **page,
        "has_more": offset + limit < len(matching),
        "statistics": model.statistics(matching),
        "filters_applied": model.filters_applied(wanted),
    }
    for name in ("confidence_distribution", "source_distribution"):
        assert list(answer["statistics"][name]) == sorted(answer["statistics"][name])


@given(case=cases(documented=False))
@examples(50)
def test_graphql_answers_as_the_model(histories: list[History], case: tuple[int, Dict]) -> None:
    note(f"SEED {SEED}")
    place, wanted = case
    check_graphql(histories[place], wanted)


@given(case=cases(documented=False), size=st.integers(30, 120))
@examples(8)
def test_pages_from_either_end_are_the_whole_list(histories: list[History], case: tuple[int, Dict], size: int) -> None:
    note(f"SEED {SEED}")
    place, wanted = case
    history = histories[place]
    expected = [result["id"] for result in model.matches(history.results, wanted)]
    assert list(walk(history, wanted, size)) == expected
    assert list(walk_back(history, wanted, size)) == expected[::-1]


def walk(history: History, wanted: Dict, size: int) -> Iterator[str]:
    after, more = None, True
    while more:
        page = history.account.graphql(LIST, filter=filter_of(wanted), first=size, after=after)["descriptions"]
        yield from (node["id"] for node in page["nodes"])
        after, more = page["pageInfo"]["endCursor"], page["pageInfo"]["hasNextPage"]


def walk_back(history: History, wanted: Dict, size: int) -> Iterator[str]:
    before, more = None, True
    while more:
        page = history.account.graphql(LIST, filter=filter_of(wanted), last=size, before=before)["descriptions"]
        yield from (node["id"] for node in reversed(page["nodes"]))
        before, more = page["pageInfo"]["startCursor"], page["pageInfo"]["hasPreviousPage"]


@given(
    case=cases(documented=False),
    format=st.sampled_from(OF_TEXT),
    limit=st.one_of(st.none(), st.integers(1, 300)),
)
@examples(12)
def test_an_export_holds_what_the_model_matches(
    histories: list[History], case: tuple[int, Dict], format: ExportFormat, limit: int | None
) -> None:
    note(f"SEED {SEED}")
    place, wanted = case
    history = histories[place]
    variables = {"filter": filter_of(wanted), "format": format.name, "limit": limit}
    made = history.account.graphql(EXPORT, **variables)["createExport"]
    check_export(history, made["id"], wanted, format, limit)


@given(
    case=cases(documented=True),
    format=st.sampled_from(OF_TEXT),
    limit=st.one_of(st.none(), st.integers(1, 300)),
    failed=st.booleans(),
)
@examples(12)
def test_an_export_through_rest_holds_what_the_model_matches(
    histories: list[History], case: tuple[int, Dict], format: ExportFormat, limit: int | None, failed: bool
) -> None:
    note(f"SEED {SEED}")
    place, wanted = case
    history = histories[place]
    given_ = {("search_terms" if name == "search" else name): value for name, value in wanted.items()}
    body = {"data_type": "descriptions", "format": format, "limit": limit, "fields": ["description", "id"]}
    made = history.account.client.post("/api/v2/data/export", json=body | given_ | {"include_failed": failed})
    assert made.status_code == 202, made.text
    check_export(history, made.json()["export_id"], wanted | {"include_failed": failed}, format, limit)


def check_export(history: History, id: str, wanted: Dict, format: ExportFormat, limit: int | None) -> None:
    expected = [(result["description"], result["id"]) for result in model.matches(history.results, wanted)][:limit]
    state = history.account.wait(id)
    assert (state["status"], state["record_count"]) == ("completed", len(expected))
    text = httpx.get(state["download_url"]).content.decode()
    if format is ExportFormat.CSV:
        rows = list(csv.reader(io.StringIO(text, newline="")))
        assert rows == [["description", "id"], *([description or "", id] for description, id in expected)]
    else:
        objects = (
            json.loads(text) if format is ExportFormat.JSON else [json.loads(line) for line in text.split("\n")[:-1]]
        )
        assert [tuple(found.values()) for found in objects] == expected


moments = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=14)), timezone(timedelta(hours=-12))]))
json_texts = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=8)
json_values: st.SearchStrategy[Any] = st.recursive(
    st.one_of(
        st.none(), st.booleans(), json_texts,
        st.integers(), st.integers(-(10**40), 10**40), st.floats(allow_nan=False, allow_infinity=False),
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(json_texts, inner, max_size=4),
    max_leaves=12,
)  # fmt: skip
names = json_texts.filter(bool)


@st.composite
def results(draw: st.DrawFn) -> Result:
    text, name = st.one_of(st.none(), json_texts, st.sampled_from(TEXTS)), st.one_of(st.none(), names)
    values = {
        "id": draw(names),
        "type": draw(names),
        "source_type": draw(names),
        "created_at": draw(moments.filter(in_range)),
        "confidence_score": draw(st.one_of(st.none(), st.floats(0, 1).map(abs))),
        "status": draw(st.sampled_from(DescriptionStatus)),
        "verification": draw(json_values),
        "metadata": draw(st.dictionaries(json_texts, json_values, max_size=3)),
    }
    values |= {field: draw(name) for field in ("source_id", "image_id")}
    return Result.model_validate(values | {name: draw(text) for name in ("description", "image_url", "error_message")})


def in_range(moment: datetime) -> bool:
    try:
        moment.astimezone(UTC)
    except OverflowError:
        return False
    return True


@given(moments.filter(in_range))
def test_a_time_is_read_back_as_it_was_printed(moment: datetime) -> None:
    assert times.parse(times.iso(moment)) == moment
    assert times.parse(moment.isoformat()) == moment


@given(st.floats(0, 1))
def test_a_score_lies_between_the_edges_of_its_bin(score: float) -> None:
    assert scores.label(scores.bin_of(score)) == model.bin_of(score)


@given(st.lists(st.integers(0, 10**9), min_size=1))
def test_an_average_has_four_decimals_and_rounds_halves_up(units: list[int]) -> None:
    found = Fraction(repr(scores.average(sum(units), len(units))))
    assert (found * 10_000).denominator == 1
    assert found - Fraction(1, 20_000) <= Fraction(sum(units), len(units) * 10**9) < found + Fraction(1, 20_000)


@pytest.fixture(scope="module")
def postgres(real_servers: Servers) -> Iterator[Database]:
    opened = Database(real_servers.postgres.url)
    yield opened
    opened.dispose()


@pytest.mark.xdist_group("servers")
@given(value=json_values)
@examples(100)
def test_the_canonical_text_is_the_one_of_postgresql(postgres: Database, value: Any) -> None:
    canonical = jsontext.canonical(value)
    given_ = (json.dumps(value), canonical)
    with postgres.engine.connect() as connection:
        kept = connection.execute(
            select(*(dialects.compact(cast(literal(text, Text), JSONB)) for text in given_))
        ).one()
    assert tuple(kept) == (canonical, canonical)
    assert jsontext.canonical(jsontext.loads(canonical)) == canonical


@given(found=st.lists(results(), max_size=6, unique_by=lambda result: result.id), format=st.sampled_from(OF_TEXT))
@examples(60)
def test_what_is_written_reads_back_as_it_was_recorded(
    database: Database, found: list[Result], format: ExportFormat
) -> None:
    everything = DescriptionFilter(include_failed=True)
    with database.write() as session:
        assert recording.record(session, 0, found).recorded == len(found)
        rows = Rows(session.connection(), Selection(0, everything, columns.COLUMNS))
        written = b"".join(chunk for chunk, _ in writers.write(rows, format))
        session.rollback()
    found_again = readers.read(f"export.{format}", io.BytesIO(written))
    back = [Result.model_validate(record.values) for record in found_again]
    expected = sorted(found, key=lambda result: (result.created_at, result.id.encode()), reverse=True)
    assert [dumped(result) for result in back] == [dumped(result) for result in expected]


def dumped(result: Result) -> Dict:
    """Its values, JSON by its canonical text: `1` and `true` are not the same."""
    texts = {name: jsontext.canonical(getattr(result, name)) for name in ("verification", "metadata")}
    return dict(result) | texts
