"""A history brought along from a server of which nothing is known but the document."""

from collections.abc import Callable
from typing import Any

import pytest

from app.models import Scope
from sightlog.api.operations import Operations
from sightlog.errors import Damaged
from sightlog.mirror import state as states
from sightlog.mirror.bounds import Bounds
from sightlog.mirror.ledger import Ledger
from sightlog.mirror.run import Mirror, Report
from sightlog.mirror.source import Source
from sightlog.mirror.target import Target
from sightlog.profiles import Profile
from sightlog.transport import Retries
from tests.client.mirror.conftest import Here
from tests.client.mirror.stub import KEY, Dict, Fault, Stub, item
from tests.commands import invoke_plainly
from tests.conftest import only_embedded

Start = Callable[..., Stub]

ITEMS = [item(number) for number in range(25)]
FAILED = item(30, id="failed_1", description=None, status="failed", error_message="The model was too slow")


def as_rows(items: list[Dict]) -> list[Dict]:
    """What our own file says of such items."""
    rows = [{"status": "completed", "error_message": None} | one for one in items]
    return sorted(rows, key=lambda row: (row["created_at"], row["id"]), reverse=True)


def bring(here: Here, stub: Stub, by: str = "either", said: list[str] | None = None, **how: Any) -> Report:
    """One pass with bounds that the command does not offer."""
    sizes = {name: how.pop(name) for name in ("export_rows", "page_rows") if name in how}
    source = Source(stub.url, KEY, **sizes)
    operations = Operations(Profile(here.account.stack.url, here.account.keys[Scope.WRITE]))
    bounds = Bounds(**{"tries": Retries(tries=3, first=0.01)} | how)
    state, ledger = states.load(here.state, "there", "here"), Ledger(here.folder / "state.refused.jsonl")
    say = (said if said is not None else []).append
    try:
        return Mirror(source, Target(operations), state, ledger, bounds=bounds, by=by, say=say).once()
    finally:
        source.close()
        operations.close()


# What comes along


def test_all_comes_along_failed_results_and_metadata_too(here: Here, stub: Start) -> None:
    there = stub(ITEMS, failed=[FAILED])
    told = here.mirror(there.url)
    assert told.exit_code == 0, told.output
    first, second = told.stdout.splitlines()
    assert first.startswith("26 read, 1 of them failed results; 26 recorded, 0 already known, 0 replaced, 0 refused; ")
    assert second.endswith(": 25 results on 1 days.")
    assert here.rows() == as_rows([*ITEMS, FAILED])
    assert [(body["include_failed"], body["include_metadata"], body["format"]) for body in there.calls("/export")] == [
        (True, True, "jsonl")
    ]


@only_embedded
def test_once_more_nothing_is_recorded_twice(here: Here, stub: Start) -> None:
    there = stub(list(ITEMS), failed=[FAILED])
    assert here.mirror(there.url).exit_code == 0
    there.items.append(item(40))
    here.state.unlink()
    told = here.mirror(there.url)
    assert told.exit_code == 0
    assert "; 1 recorded, 26 already known" in told.stdout
    assert len(here.rows()) == 27


@only_embedded
@pytest.mark.parametrize("status", [403, 404, 405, 501])
def test_where_exports_are_refused_pages_are_read(here: Here, stub: Start, status: int) -> None:
    told = here.mirror(stub(ITEMS, failed=[FAILED], refuse_exports=status).url)
    assert told.exit_code == 0, told.output
    assert "Exports are refused: " in told.stderr
    assert "read by pages, which list no failed results" in told.stderr
    assert here.rows() == as_rows(ITEMS)


@only_embedded
@pytest.mark.parametrize("shape", [{"average": 0.0}, {"average": None}, {"statistics": False}])
def test_older_shapes_of_statistics(here: Here, stub: Start, shape: Dict) -> None:
    told = here.mirror(stub(ITEMS, **shape).url)
    assert told.exit_code == 0, told.output
    days = " on 1 days" if "average" in shape else ""
    assert told.stdout.endswith(f": 25 results{days}.\n")


@only_embedded
def test_older_shapes_of_items(here: Here, stub: Start) -> None:
    bare = {"id": 7, "source_type": "single", "created_at": "2025-01-15T10:30:00.1234567", "metadata": None}
    offset = item(2, created_at="2025-01-15T12:30:00+02:00", confidence_score=0, tags=["a"], model="m")
    told = here.mirror(stub([bare, offset], average=0.0, statistics=False).url)
    assert told.exit_code == 0, told.output
    assert "The key 'model' of 1 rows has no place here and was left out.\nThe key 'tags' of 1 rows" in told.stdout
    rows = here.rows()
    assert [(row["id"], row["created_at"], row["metadata"], row["confidence_score"]) for row in rows] == [
        ("7", "2025-01-15T10:30:00.123456Z", {}, None),
        ("desc_002", "2025-01-15T10:30:00.000000Z", {"number": 2}, 0),
    ]


@only_embedded
def test_failed_results_are_known_by_their_absence_where_nothing_else_tells(here: Here, stub: Start) -> None:
    silent = item(30, id="silent")
    there = stub(ITEMS, failed=[silent])
    told = here.mirror(there.url)
    assert told.exit_code == 0, told.output
    assert here.rows() == as_rows([*ITEMS, silent | {"status": "failed"}])
    assert [body["include_failed"] for body in there.calls("/export")] == [True, False]


@only_embedded
def test_what_cannot_be_recorded_is_listed_with_the_reasons(here: Here, stub: Start) -> None:
    bad = [
        item(31, confidence_score=1.5),
        item(32, source_type=None),
        item(33, metadata=["a", "list"]),
        item(34, description="\ud800"),
        item(35, confidence_score="high"),
        item(36, status="queued"),
    ]
    there = stub([*ITEMS, *bad])
    told = here.mirror(there.url)
    assert told.exit_code == 1
    reasons = {row["id"]: row["reason"] for row in here.refused}
    assert reasons == {
        "desc_031": "confidenceScore: Input should be less than or equal to 1",
        "desc_032": "source_type is missing",
        "desc_033": "metadata: Input should be a valid dictionary",
        "desc_034": reasons["desc_034"],
        "desc_035": "confidenceScore: Input should be a valid number, unable to parse string as a number",
        "desc_036": "the status 'queued' is neither completed nor failed",
    }
    assert "surrogates not allowed" in reasons["desc_034"]
    assert {row["id"]: row["row"] for row in here.refused} == {one["id"]: one for one in bad}
    assert "6 rows cannot be recorded; " in told.stdout
    assert "  total: 31 there, 25 here\n  day 2025-01-15: 31 there, 25 here\n" in told.stdout
    assert here.rows() == as_rows(ITEMS)
    assert here.mirror(there.url).exit_code == 1
    assert len(here.refused) == 6


@only_embedded
def test_it_says_where_the_two_differ(here: Here, stub: Start) -> None:
    here.account.record({"id": "own", "confidenceScore": 0.75, "sourceType": "live"})
    told = here.mirror(stub(ITEMS, average=0.0).url)
    assert told.exit_code == 1
    assert told.stdout.splitlines()[2:] == [
        "  total: 25 there, 26 here",
        "  day 2025-01-15: 25 there, 26 here",
        "  source live: 0 there, 1 here",
        "  bin 0.7-0.8: 0 there, 1 here",
        "  average: 0 there, 0.75 here",
    ]


# Windows


@only_embedded
def test_windows_hold_few_results_and_leave_out_none(here: Here, stub: Start) -> None:
    items = [item(number * 97) for number in range(60)]
    there = stub(items, failed=[FAILED | {"created_at": "2024-12-24T18:00:00Z"}])
    assert bring(here, there, window_rows=7).differences == []
    assert [row["id"] for row in here.rows()] == [one["id"] for one in reversed(items)] + ["failed_1"]
    bounds = [(body.get("start_date"), body["end_date"]) for body in there.calls("/export")]
    assert bounds[0][0] is None
    assert [end for _, end in bounds[:-1]] == [start for start, _ in bounds[1:]]
    assert all(len(content.splitlines()) <= 7 for content in there.files.values())


@only_embedded
def test_a_full_export_is_divided_until_it_lacks_nothing(here: Here, stub: Start) -> None:
    failed = [item(number, id=f"failed_{number}", status="failed") for number in range(25)]
    there = stub(ITEMS, failed=failed)
    assert bring(here, there, export_rows=20).differences == []
    assert here.rows() == as_rows(ITEMS + failed)


@only_embedded
def test_more_results_of_one_second_than_an_export_holds_are_read_by_pages(here: Here, stub: Start) -> None:
    items = [item(3, id=f"r{number}") for number in range(30)]
    said: list[str] = []
    there = stub([*ITEMS, *items])
    assert bring(here, there, said=said, window_rows=10, export_rows=20, page_rows=8).differences == []
    assert here.rows() == as_rows(ITEMS + items)
    assert any("no time to divide them by; they are read by pages" in line for line in said)


@only_embedded
def test_pages_that_move_are_read_again(here: Here, stub: Start) -> None:
    there = stub(list(ITEMS))

    def delete(offset: int) -> None:
        if offset:  # what follows moves up, and the first of it is on no page
            there.items.remove(next(one for one in there.items if one["id"] == "desc_024"))
            there.items.insert(0, item(0, id="late", created_at="2025-01-15T00:00:00Z"))
            there.before_page = lambda offset: None

    there.before_page = delete
    report = bring(here, there, by="pages", page_rows=8)
    ids = {row["id"] for row in here.rows()}
    assert ids == {one["id"] for one in there.items} | {"desc_024"}
    assert str(report.differences[0]) == "total: 25 there, 26 here"  # what is deleted there stays here


# Faults


@only_embedded
@pytest.mark.parametrize("path", ["/descriptions", "/export", "/export/id"])
def test_what_fails_for_a_while_is_asked_again(here: Here, stub: Start, path: str) -> None:
    there = stub(ITEMS)
    there.faults[path] = [Fault(429, {"Retry-After": "1"}), Fault(500), Fault(503)]
    told = here.mirror(there.url)
    assert told.exit_code == 0, told.output
    times = [at for at, called, _ in there.requests if called == path]
    assert times[1] - times[0] >= 1
    assert here.rows() == as_rows(ITEMS)


@only_embedded
def test_no_request_is_over_the_other_sides_limit(here: Here, stub: Start) -> None:
    there = stub(ITEMS, per_second=5)
    assert bring(here, there, by="pages", page_rows=2).differences == []
    assert there.answered[429] == 0
    assert len(there.requests) > 15


@only_embedded
@pytest.mark.parametrize("how", ["short", "broken", "torn", "expired"])
def test_a_wrong_download_is_made_again_with_a_new_url(here: Here, stub: Start, how: str) -> None:
    there = stub(ITEMS, cut=[how, how])
    assert bring(here, there).differences == []
    assert here.rows() == as_rows(ITEMS)
    assert len(there.calls("/export")) == 1
    assert len(there.calls("/export/id")) >= 3


@only_embedded
def test_a_torn_download_is_seen_where_no_count_is_told(here: Here, stub: Start) -> None:
    assert bring(here, stub(ITEMS, cut=["torn", "torn"], tells_count=False)).differences == []
    assert here.rows() == as_rows(ITEMS)


@only_embedded
def test_of_a_file_that_stays_wrong_nothing_is_recorded(here: Here, stub: Start) -> None:
    with pytest.raises(Damaged, match="holds 24 rows, of 25 that were told"):
        bring(here, stub(ITEMS, cut=["short"] * 3))
    assert here.rows() == []


@only_embedded
def test_exports_that_fail_are_made_again_and_then_pages_are_read(here: Here, stub: Start) -> None:
    there = stub(ITEMS, fail_exports=2)
    assert bring(here, there).differences == []
    assert (len(there.calls("/export")), here.rows()) == (3, as_rows(ITEMS))
    there = stub([*ITEMS, item(60)], fail_exports=3)
    said: list[str] = []
    here.state.unlink()
    assert bring(here, there, said=said).differences == []
    assert here.rows() == as_rows(there.items)
    assert said[0].startswith("An export failed: The disk was full. What is left is read by pages")


# What is wrong from the beginning


@only_embedded
def test_a_key_is_needed_that_the_other_side_takes(here: Here, stub: Start) -> None:
    there = stub(ITEMS)
    told = here.mirror(there.url, key="")
    assert (told.exit_code, told.stderr) == (
        4,
        "The key for --from is not known: set SIGHTLOG_SOURCE_KEY, or pipe it to --from-key-stdin.\n",
    )
    told = here.mirror(there.url, key="wrong")
    assert (told.exit_code, f"{there.url} does not take its key: " in told.stderr) == (4, True)
    told = invoke_plainly(
        {"SIGHTLOG_URL": here.account.stack.url, "SIGHTLOG_API_KEY": "wrong", "SIGHTLOG_SOURCE_KEY": KEY},
        *("mirror", "--from", there.url, "--state", str(here.state)),
    )
    assert (told.exit_code, f"{here.account.stack.url} does not take its key: " in told.stderr) == (4, True)
    told = here.mirror(there.url, scope=Scope.READ)
    assert told.exit_code == 4
    assert "it needs the scope write" in told.stderr
    assert here.rows() == []


@only_embedded
def test_a_url_that_is_none_of_the_api(here: Here, stub: Start) -> None:
    told = here.mirror("example.com")
    assert (told.exit_code, "should be like https://host/api/v2/data" in told.stderr) == (2, True)
    told = here.mirror(here.account.stack.url)
    assert (told.exit_code, "should be like https://host/api/v2/data" in told.stderr) == (2, True)
    assert "Run the same command to go on" not in told.stderr


@only_embedded
def test_a_state_of_others_is_not_taken(here: Here, stub: Start) -> None:
    there, other = stub(ITEMS), stub(ITEMS)
    assert here.mirror(there.url).exit_code == 0
    told = here.mirror(other.url)
    assert told.exit_code == 1
    assert "give each pair a --state of its own" in told.stderr
    here.state.write_text("{")
    assert "Remove it to begin again" in here.mirror(there.url).stderr
