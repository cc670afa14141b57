"""`search`, `show` and `stats`: for people on 80 columns, and for programs."""

import inspect
import json
import re
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from app.models import Scope
from sightlog.api import enums
from sightlog.commands import exports, options, record
from sightlog.filters import Filter
from tests.client.commands.conftest import Shell
from tests.conftest import Account, only_embedded

DOG = {
    "id": "dog",
    "description": "A dog runs",
    "confidenceScore": 0.91,
    "createdAt": "2025-01-15T10:30:00.500000Z",
    "imageId": "img_1",
    "sourceId": "op_1",
    "metadata": {"model": "m1", "step": 3},
}
CAT = {
    "id": "cat",
    "description": "A cat sits",
    "createdAt": "2025-01-16T23:59:59Z",
    "sourceType": "batch",
    "metadata": {"model": "m2", "step": "3"},
}
OWL = {"id": "owl", "description": "An owl and a dog", "confidenceScore": 0.2, "createdAt": "2025-01-17T00:00:00Z"}
LOST = {
    "id": "lost",
    "status": "FAILED",
    "errorMessage": "timeout",
    "createdAt": "2025-01-18T00:00:00Z",
    "type": "rule",
}


@pytest.fixture
def animals(account: Account) -> None:
    account.record(DOG, CAT, OWL, LOST)


@only_embedded
@pytest.mark.usefixtures("animals")
@pytest.mark.parametrize(
    ("arguments", "found"),
    [
        ("", "owl cat dog"),
        ("dog", "owl dog"),
        ("DOG cat", "owl cat dog"),
        ("dog owl --search-mode all", "owl"),
        ("--exclude dog", "cat"),
        ("--exclude cat --exclude owl", "dog"),
        ("--start-date 2025-01-16", "owl cat"),
        ("--end-date 2025-01-16", "cat dog"),
        ("--start-date 2025-01-15T10:30:00.6Z --end-date 2025-01-17T01:00:00+01:00", "owl cat"),
        ("--start-date 7d", ""),
        ("--end-date 7d", "owl cat dog"),
        ("--min-confidence 0.5", "dog"),
        ("--max-confidence 0.5", "owl"),
        ("--max-confidence 0.5 --include-unscored", "owl cat"),
        ("--source-type batch --source-type other", "cat"),
        ("--source-id op_1", "dog"),
        ("--image-id img_1", "dog"),
        ("--type rule --include-failed", "lost"),
        ("--include-failed", "lost owl cat dog"),
        ("--metadata model=m1", "dog"),
        ("--metadata step=3", "dog"),
        ('--metadata step="3"', "cat"),
        ("--metadata step=3 --metadata model=m2", ""),
        ("--review-state unreviewed --review-state accepted", "owl cat dog"),
        ("--review-state accepted", ""),
        ("--order oldest", "dog cat owl"),
        ("--order least-certain", "owl dog cat"),
        ("--order most-certain", "dog owl cat"),
        ("--limit 2", "owl cat"),
        ("--limit 0", "owl cat dog"),
    ],
)
def test_each_option_of_a_filter(shell: Shell, arguments: str, found: str) -> None:
    assert [one["id"] for one in shell.lines("search", *arguments.split())] == found.split()


@only_embedded
@pytest.mark.usefixtures("animals")
def test_statistics_and_exports_take_the_same_filter(shell: Shell) -> None:
    filter = ["dog", "--min-confidence", "0.1", "--end-date", "2025-01-16", "--metadata", "model=m1"]
    assert shell.one("stats", *filter)["total_count"] == 1
    assert shell.one("export", *filter, "--watch")["record_count"] == 1


def test_a_time_ago(account: Account, shell: Shell) -> None:
    now = datetime.now(UTC)
    for name, hours in (("new", 1), ("old", 49)):
        account.record({"id": name, "createdAt": (now - timedelta(hours=hours)).isoformat()})
    assert [one["id"] for one in shell.lines("search", "--start-date", "2d")] == ["new"]
    assert [one["id"] for one in shell.lines("search", "--end-date", "90m")] == ["old"]


@only_embedded
@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (["--start-date", "yesterday"], "'yesterday' is no time: write a day"),
        (["--start-date", "2025-13-01"], "is no time"),
        (["--end-date", "999999d"], "is no time"),
        (["--metadata", "model"], "'model' is no condition: write PATH=VALUE"),
        (["--metadata", "=m1"], "is no condition"),
        (["--min-confidence", "2"], "--min-confidence"),
        (["--review-state", "good"], "--review-state"),
        (["--order", "best"], "--order"),
        (["--limit", "-1"], "--limit"),
        (["--min-confidence", "0.9", "--max-confidence", "0.1"], "minimum confidence lies above the maximum"),
        (["--start-date", "2025-02-01", "--end-date", "2025-01-01"], "start date lies after the end date"),
    ],
)
def test_what_cannot_be_meant_is_a_matter_of_use(shell: Shell, arguments: list[str], reason: str) -> None:
    told = shell.run("search", *arguments, code=2)
    assert told.stdout == ""
    assert reason in re.sub(r"[\s│]+", " ", told.stderr)


@only_embedded
@pytest.mark.usefixtures("animals")
def test_a_program_gets_values_between_tabs(shell: Shell) -> None:
    assert shell.rows("search", "--include-failed") == [
        ["2025-01-18 00:00", "", "lost", "failed: timeout"],
        ["2025-01-17 00:00", "0.20", "owl", "An owl and a dog"],
        ["2025-01-16 23:59", "", "cat", "A cat sits"],
        ["2025-01-15 10:30", "0.91", "dog", "A dog runs"],
    ]


@only_embedded
@pytest.mark.usefixtures("animals")
def test_json_has_the_names_of_files_and_can_be_recorded(shell: Shell, make_account: Any) -> None:
    printed = shell.run("search", "--include-failed", "--json").stdout
    dog = json.loads(printed.splitlines()[-1])
    assert dog == {
        "id": "dog",
        "type": "description",
        "status": "completed",
        "source_type": "single",
        "source_id": "op_1",
        "created_at": "2025-01-15T10:30:00.500000Z",
        "image_url": None,
        "image_id": "img_1",
        "description": "A dog runs",
        "confidence_score": 0.91,
        "verification": None,
        "metadata": {"model": "m1", "step": 3},
        "error_message": None,
        "review_state": "unreviewed",
    }
    assert shell.run("record", input=printed).stderr == "0 recorded, 4 already known, 0 refused.\n"
    other = Shell(shell.environment | {"SIGHTLOG_API_KEY": make_account().keys[Scope.WRITE]})
    assert other.run("record", input=printed).stderr == "4 recorded, 0 already known, 0 refused.\n"
    assert other.run("search", "--include-failed", "--json").stdout == printed


def test_a_table_fits_the_terminal(account: Account, terminal: Any) -> None:
    long = "x" * 60
    account.record(
        {"id": "b", "createdAt": "2025-01-15T10:30:00Z", "description": "A mountain landscape, " * 9},
        {"id": long, "createdAt": "2025-01-15T10:29:00Z", "description": "Two\nlines 山 of text", "confidenceScore": 1},
        {"id": "c", "createdAt": "2025-01-15T10:28:00Z"},
    )
    shown = terminal("search", "-n", "2").end().splitlines()
    assert shown[-1] == "The first 2; there are more: --limit says how many to show."
    assert max(map(len, shown)) <= 80
    assert shown[0].split() == ["time", "(UTC)", "score", "id", "description"]
    assert shown[1].split()[:3] == ["2025-01-15", "10:30", "b"]
    assert shown[1].rstrip().endswith("…")
    place = shown[0].index("id")
    assert "".join(line[place : shown[0].index("description")].strip() for line in shown[2:-1]) == long
    assert "Two lines 山 of text" in "\n".join(shown)


@only_embedded
def test_a_long_list_is_printed_in_pieces_with_one_title(account: Account, terminal: Any) -> None:
    account.record(*({"id": f"r{place:03}"} for place in range(450)))
    shown = terminal("search", "-n", "0").end().splitlines()
    assert [line.split()[0] for line in shown].count("time") == 1
    assert len(shown) == 451
    assert len({line.index("r") for line in shown[1:]}) == 1


def test_a_description_does_nothing_to_the_terminal(account: Account, shell: Shell, terminal: Any) -> None:
    account.record({"id": "evil", "description": "a\x1b]0;owned\x07b\x9b31mc\u202edcba\rd"})
    for arguments in (("search",), ("show", "evil")):
        one = terminal(*arguments)
        one.end()
        assert "\x1b]0" not in one.shown
        assert not set("\x07\x9b\u202e") & set(one.shown)
        assert "a�]0;owned�b�31mc�dcba" in one.plain
        assert not set("\x1b\x07\x9b\u202e") & set(shell.run(*arguments).stdout)
    assert shell.one("show", "evil")["description"] == "a\x1b]0;owned\x07b\x9b31mc\u202edcba\rd"


REVIEW = (
    'mutation { reviewDescriptions(input: [{descriptionId: "dog", verdict: CORRECTED, text: "A wolf", note: "ears"}])'
    " { reviews { by at } } }"
)


@only_embedded
@pytest.mark.usefixtures("animals")
def test_one_result_is_shown_whole(account: Account, shell: Shell, terminal: Any) -> None:
    review = account.graphql(REVIEW)["reviewDescriptions"]["reviews"][0]
    shown = terminal("show", "dog").end()
    assert max(map(len, shown.splitlines())) <= 80
    assert re.search(r"^description +A dog runs *$", shown, re.MULTILINE)
    assert re.search(r"^confidence score +0\.91 *$", shown, re.MULTILINE)
    assert '"model": "m1"' in shown
    assert "image url" not in shown
    assert f"corrected by {review['by']}: A wolf: ears" in re.sub(r"\s+", " ", shown)
    told = shell.one("show", "dog")
    assert told["review_state"] == "corrected"
    assert [(one["verdict"], one["text"], one["note"]) for one in told["reviews"]] == [("corrected", "A wolf", "ears")]
    assert ["description", "A dog runs"] in shell.rows("show", "dog")


def test_a_result_that_is_not_there(shell: Shell) -> None:
    assert shell.run("show", "nothing", code=1).stderr == "Error: There is no result 'nothing'.\n"


@only_embedded
@pytest.mark.usefixtures("animals")
def test_statistics_for_people_and_for_programs(shell: Shell, terminal: Any) -> None:
    zoned = shell.one("stats", "--time-zone", "Asia/Kathmandu", "--fill-days")
    assert zoned["time_zone"] == "Asia/Kathmandu"
    assert sum(day["count"] for day in zoned["daily_counts"]) == zoned["total_count"]
    told = shell.one("stats")
    assert (told["total_count"], told["scored_count"], told["average_confidence"]) == (3, 2, 0.555)
    assert {"source_type": "batch", "count": 1} in told["source_distribution"]
    assert {"range": "0.9-1.0", "count": 1} in told["confidence_distribution"]

    shown = terminal("stats", "--rows", "2").end()
    assert max(map(len, shown.splitlines())) <= 80
    assert re.search(r"^with a score +2, on average 0\.555 *$", shown, re.MULTILINE)
    assert re.search(r"^single +2 +█{30} *$", shown, re.MULTILINE)
    assert re.search(r"^batch +1 +█{15} *$", shown, re.MULTILINE)
    assert "… and 1 more: --rows shows them." in shown

    rows = shell.rows("stats")
    assert ["results", "3"] in rows
    assert ["day (UTC)", "2025-01-16", "1"] in rows


def test_statistics_of_nothing(shell: Shell, terminal: Any) -> None:
    assert terminal("stats").end().split() == ["results", "0", "with", "a", "score", "0"]
    assert shell.rows("stats") == [["results", "0"], ["with a score", "0"]]


@pytest.mark.parametrize(
    ("ours", "servers"),
    [
        (options.SearchMode, enums.SearchMode),
        (options.ReviewState, enums.ReviewState),
        (record.OnConflict, enums.OnConflict),
        (exports.Format, enums.ExportFormat),
        (exports.Compression, enums.Compression),
        (exports.Status, enums.ExportStatus),
    ],
)
def test_the_choices_are_those_of_the_server(ours: Any, servers: Any) -> None:
    assert [one.value for one in ours] == [one.value.lower() for one in servers]


def test_the_fields_of_a_filter_are_those_of_the_client() -> None:
    named = set(inspect.signature(options._typed).parameters) - {"terms"} | {"search"}
    assert named == set(Filter.__annotations__)
