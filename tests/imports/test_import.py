"""`sightlog import`: what comes in, what is refused, and what is said of it."""

import gzip
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.commands import sightlog
from tests.conftest import Account
from tools.stack import COMMAND, ROOT, Stack

CSV = b'id,source_type,created_at,description\r\nb,single,2025-01-02,"One, two"\r\na,batch,2025-01-01,\r\n'
JSONL = (
    b'{"id":"b","source_type":"single","created_at":"2025-01-02","description":"One, two"}\n'
    b'{"id":"a","source_type":"batch","created_at":"2025-01-01"}\n'
)
JSON = b"[" + JSONL.strip().replace(b"\n", b",\n") + b"]\n"
FILES = {"csv": CSV, "json": JSON, "jsonl": JSONL}
TOLD = "2 recorded, 0 already known, 0 rejected\n"
GOOD = b'{"id": "good", "source_type": "s", "created_at": "2025-01-01"}'


def items(account: Account) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = account.client.get("/api/v2/data/descriptions").json()["items"]
    return found


def ids(account: Account) -> list[str]:
    return sorted(item["id"] for item in items(account))


def read(account: Account, data: bytes, name: str | Path = "-", options: tuple[str, ...] = ()) -> tuple[int, str, str]:
    """Exit status, standard output and standard error of an import of the data, or of the file of that name."""
    if name != "-":
        Path(name).write_bytes(data)
    told = sightlog(account.stack, "import", str(name), "--account", account.name, *options, input=data)
    return told.exit_code, told.stdout, told.stderr.replace(f"{name}: ", "file: ").replace("standard input: ", "file: ")


@pytest.mark.parametrize("packed", [False, True])
@pytest.mark.parametrize("format", FILES)
def test_files_of_every_format(make_account: Callable[[], Account], tmp_path: Path, format: str, packed: bool) -> None:
    data = gzip.compress(FILES[format], mtime=0) if packed else FILES[format]
    for name in (tmp_path / f"results.{format}{'.gz' if packed else ''}", "-"):
        account = make_account()
        assert read(account, data, name) == (0, TOLD, "")
        assert [
            (item["id"], item["source_type"], item["created_at"], item["description"]) for item in items(account)
        ] == [
            ("b", "single", "2025-01-02T00:00:00Z", "One, two"),
            ("a", "batch", "2025-01-01T00:00:00Z", None),
        ]


def test_every_key_of_a_result(account: Account) -> None:
    result = {
        "id": "desc_001", "type": "rule", "source_type": "batch", "source_id": "op_1",
        "created_at": "2025-01-15T10:30:00Z", "image_url": "https://example.com/image.jpg", "description": "A mountain",
        "confidence_score": 0.9, "verification": {"ok": True}, "image_id": "img_1", "metadata": {"width": 640},
    }  # fmt: skip
    data = json.dumps(result | {"status": "failed", "error_message": "no image"}).encode()
    assert read(account, data) == (0, "1 recorded, 0 already known, 0 rejected\n", "")
    assert items(account) == []
    query = 'query { description(id: "desc_001") { status errorMessage } }'
    assert account.graphql(query)["description"] == {"status": "FAILED", "errorMessage": "no image"}
    assert read(account, json.dumps(result | {"id": "desc_002"}).encode())[0] == 0
    assert items(account) == [result | {"id": "desc_002"}]


def test_several_files_are_summed_up(account: Account, tmp_path: Path) -> None:
    (tmp_path / "one.jsonl").write_bytes(JSONL)
    (tmp_path / "two.csv").write_bytes(CSV.replace(b"b,single", b"c,single") + b"d,single\r\n")
    names = [str(tmp_path / name) for name in ("one.jsonl", "two.csv")]
    told = sightlog(account.stack, "import", *names, "--account", account.name)
    assert (told.exit_code, told.stdout) == (1, "3 recorded, 1 already known, 1 rejected\n")
    assert told.stderr == f"{names[1]}: 4: has 2 values for 4 columns\n"
    assert ids(account) == ["a", "b", "c"]


def test_importing_twice_changes_nothing(account: Account) -> None:
    assert read(account, JSONL) == (0, TOLD, "")
    before = account.client.get("/api/v2/data/descriptions").json()
    assert read(account, JSONL) == (0, "0 recorded, 2 already known, 0 rejected\n", "")
    assert account.client.get("/api/v2/data/descriptions").json() == before


def test_an_id_twice_in_one_file_is_known_the_second_time(account: Account) -> None:
    data = JSONL + JSONL.replace(b"One", b"Another").replace(b'"a"', b'"c"')
    assert read(account, data) == (0, "3 recorded, 1 already known, 0 rejected\n", "")
    assert [item["description"] for item in items(account)] == ["One, two", None, None]


def test_an_id_twice_in_two_batches_is_known_the_second_time(account: Account) -> None:
    results = (GOOD.replace(b"good", str(number % 2500).encode()) for number in range(5000))
    assert read(account, b"\n".join(results)) == (0, "2500 recorded, 2500 already known, 0 rejected\n", "")


def result(**values: Any) -> bytes:
    """A line that would be good but for these values; `...` leaves one out."""
    whole = {"id": "bad", "source_type": "s", "created_at": "2025-01-01"} | values
    return json.dumps({name: value for name, value in whole.items() if value is not ...}).encode()


NO_TIME = "created_at: must be an ISO 8601 date or time, for example 2025-01-31T23:59:59Z"

BAD_RESULTS = [
    (result(id=...), "id: Field required"),
    (result(id=..., source_type=..., created_at="x"), f"id: Field required; source_type: Field required; {NO_TIME}"),
    (result(id=""), "id: String should have at least 1 character"),
    (result(id=7), "id: Input should be a valid string"),
    (result(id="x" * 256), "id: String should have at most 255 characters"),
    (result(id="a\0b"), "id: must not hold a NUL character"),
    (result(created_at="yesterday"), NO_TIME),
    (result(created_at="2025-02-29"), NO_TIME),
    (result(created_at="0001-01-01T00:00:00+01:00"), NO_TIME),
    (result(created_at=1736937000), NO_TIME),
    (result(confidence_score=1.0000000000000002), "confidence_score: Input should be less than or equal to 1"),
    (result(confidence_score=-5e-324), "confidence_score: Input should be greater than or equal to 0"),
    (result(confidence_score="0.5"), "confidence_score: Input should be a valid number"),
    (result(confidence_score=True), "confidence_score: Input should be a valid number"),
    (result(status="done"), "status: Input should be 'completed' or 'failed'"),
    (result(description="x" * 1_000_001), "description: String should have at most 1000000 characters"),
    (result(metadata=[]), "metadata: Input should be a valid dictionary"),
    (result(metadata={"a": "\0"}), "metadata: holds a NUL character"),
    (result(metadata={"a": 1})[:-2] + b"e400}}", "metadata: holds a number that JSON has no text for"),
    (
        result(verification=json.loads("[" * 101 + "]" * 101)),
        "verification: is nested too deeply: 100 levels are allowed",
    ),
    (result(colour="red"), "colour: Extra inputs are not permitted"),
    (result(**{"a\n\x1b[31mred": 1}), r"a\n\x1b[31mred: Extra inputs are not permitted"),
    (result(metadata={"a": "\ud800"}), "is no JSON: holds a lone surrogate, which is no character"),
    (result(confidence_score=float("nan")), "is no JSON: holds NaN, which JSON does not know"),
    (result(confidence_score=float("-inf")), "is no JSON: holds -Infinity, which JSON does not know"),
    (b'{"id": "\xff"}', "is no JSON: is not UTF-8"),
    (b'{"id": ' + b"[" * 100_000, "is no JSON: is nested too deeply"),
    (b"not JSON", "is no JSON: Expecting value: line 1 column 1 (char 0)"),
    (b"[]", "is no JSON object"),
    (b"null", "is no JSON object"),
]


def with_good(separator: bytes) -> bytes:
    """The bad results, each with a good one behind it."""
    goods = (result(id=f"good {place}") for place in range(len(BAD_RESULTS)))
    return separator.join(line for (bad, _), good in zip(BAD_RESULTS, goods, strict=True) for line in (bad, good))


def test_bad_lines_are_told_and_the_rest_goes_on(account: Account) -> None:
    status, said, told = read(account, with_good(b"\n"))
    assert told.splitlines() == [f"file: {2 * place + 1}: {reason}" for place, (_, reason) in enumerate(BAD_RESULTS)]
    assert (status, said) == (1, f"{len(BAD_RESULTS)} recorded, 0 already known, {len(BAD_RESULTS)} rejected\n")
    assert ids(account) == sorted(f"good {place}" for place in range(len(BAD_RESULTS)))


def test_bad_items_are_told_and_the_rest_goes_on(account: Account) -> None:
    bad = [(data, reason) for data, reason in BAD_RESULTS if data.count(b"[") == data.count(b"]")]
    status, said, told = read(account, b"[" + b",".join(data for data, _ in [*bad, (GOOD, "")]) + b"]")
    assert told.splitlines() == [f"file: {place}: {reason}" for place, (_, reason) in enumerate(bad, 1)]
    assert (status, said) == (1, f"1 recorded, 0 already known, {len(bad)} rejected\n")
    assert ids(account) == ["good"]


STRAY_QUOTE = "has a stray quote: a value with quotes is quoted whole, and its quotes are doubled"

NOT_UTF8 = "is not UTF-8: write it as UTF-8 first, for example with `iconv -f WINDOWS-1252 -t UTF-8`"
NO_NUMBER = "confidence_score: must be a number between 0 and 1, with a point: 0.5"

BAD_RECORDS = [
    # behind the columns id, source_type, created_at, description, confidence_score, metadata
    (b"a,s,2025-01-01", "has 3 values for 6 columns"),
    (b"a,s,2025-01-01,d,0.5,{},", "has 7 values for 6 columns"),
    (b'a,s,2025-01-01,5" pipe,,', STRAY_QUOTE),
    (b'a,s,2025-01-01,"5" pipe,,', STRAY_QUOTE),
    (b'a,s,2025-01-01,"5"" pipe,",x"y"z,', STRAY_QUOTE),
    (b'a,s,2025-01-01, "5",,', STRAY_QUOTE),
    (b"a,s,2025-01-01,\xff,,", NOT_UTF8),
    (b"a,s,2025-01-01,,zero,", NO_NUMBER),
    (b"a,s,2025-01-01,,0_1,", NO_NUMBER),
    (b'a,s,2025-01-01,,"0,5",', NO_NUMBER),
    (b"a,s,2025-01-01,x\ry,,", "has a line end in the middle of a line"),
    (b"a,s,2025-01-01,,nan,", "confidence_score: Input should be a finite number"),
    (b"a,s,2025-01-01,,1.5,", "confidence_score: Input should be less than or equal to 1"),
    (b"a,s,2025-01-01,,,[]", "metadata: Input should be a valid dictionary"),
    (b'a,s,2025-01-01,,,"{""a"": NaN}"', "metadata: holds NaN, which JSON does not know"),
    (b",s,2025-01-01,,,", "id: Input should be a valid string"),
    (b'"",s,2025-01-01,,,', "id: String should have at least 1 character"),
    (b'a,s,never,"two lines\nof ""text""",,', NO_TIME),
]


@pytest.mark.parametrize("end", [b"\n", b"\r\n"])
@pytest.mark.parametrize("start", [b"", b"\xef\xbb\xbf"])
def test_bad_records_of_a_csv_are_told_and_the_rest_goes_on(account: Account, start: bytes, end: bytes) -> None:
    data = start + b"id,source_type,created_at,description,confidence_score,metadata" + end
    expected, number = [], 2
    for place, (record, reason) in enumerate(BAD_RECORDS):
        data += record.replace(b"\n", end) + end + f"good {place},s,2025-01-01,,,".encode() + end
        expected.append(f"file: {number}: {reason}")
        number += 2 + record.count(b"\n")
    status, said, told = read(account, data)
    assert told.splitlines() == expected
    assert (status, said) == (1, f"{len(BAD_RECORDS)} recorded, 0 already known, {len(BAD_RECORDS)} rejected\n")
    assert ids(account) == sorted(f"good {place}" for place in range(len(BAD_RECORDS)))


def test_the_values_of_a_csv(account: Account) -> None:
    data = (
        b"created_at,id,source_type,description,confidence_score,verification\r\n"
        b'2025-01-09,a,s,"two\r\nlines, ""quoted""",0.50,"{""b"":1}"\r\n\r\n'
        b'2025-01-08,"b",s,"",1e-05,null\n'
        b"2025-01-07,c,s,,,\n"
        b"2025-01-06,d,s,null, 1 ,true"
    )
    assert read(account, data) == (0, "4 recorded, 0 already known, 0 rejected\n", "")
    assert [
        [item[name] for name in ("id", "description", "confidence_score", "verification")] for item in items(account)
    ] == [
        ["a", 'two\r\nlines, "quoted"', 0.5, {"b": 1}],
        ["b", "", 1e-05, None],
        ["c", None, None, None],
        ["d", "null", 1, True],
    ]


COLUMN_NAMES = (
    "id, type, source_type, source_id, created_at, image_url, description, confidence_score, verification, image_id, "
    "metadata, status, error_message"
)


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.csv", b"", "is empty: a CSV begins with a line of column names"),
        ("a.csv", b"id,source_type\n1,s\n", "has no column 'created_at', and a result cannot be recorded without it"),
        ("a.csv", b"id,created_at,source_type,id\n1,2025-01-01,s,1\n", "has the column 'id' twice"),
        ("a.csv", b"id,colour\n1,red\n", f"has an unknown column 'colour'; the columns are {COLUMN_NAMES}"),
        ("a.csv", b"id|source_type\n1|s\n", f"has an unknown column 'id|source_type'; the columns are {COLUMN_NAMES}"),
        ("a.csv", b"id,\xff\n", NOT_UTF8),
        ("a.csv", "id,source_type".encode("utf-16-le"), "is no text in UTF-8, nor UTF-16 with a byte order mark"),
        ("a.csv", b"\xff\xfei\0d\0\0\xd8,\0", "is not the UTF-16 that its byte order mark says it is"),
        ("a.csv", b'id,"source_type\n', "has a quote that is never closed"),
        ("a.csv", b'id,"source_type"x\n', STRAY_QUOTE),
        ("a.json", b"", "is no JSON array of objects"),
        ("a.json", b'"text"', "is no JSON array of objects"),
        ("a.json", b"[", "breaks off in item 1"),
        ("a.json", b"[" + GOOD[:-5], "breaks off in item 1"),
        ("a.json.gz", b"\x1f\x8b\x08", "the gzip data is damaged or ends too early"),
        ("-", gzip.compress(JSONL, mtime=0)[:30], "the gzip data is damaged or ends too early"),
        ("-", b"\x1f\x8bnothing that gzip knows", "the gzip data is damaged or ends too early"),
    ],
)
def test_a_file_that_cannot_be_read_at_all(
    account: Account, tmp_path: Path, name: str, data: bytes, reason: str
) -> None:
    path = name if name == "-" else tmp_path / name
    assert read(account, data, path) == (1, "0 recorded, 0 already known, 1 rejected\n", f"file: {reason}\n")
    assert items(account) == []


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("a.json", b"[" + GOOD + b",", "breaks off in item 2"),
        ("a.json", b"[" + GOOD + b"\n", "breaks off behind item 1"),
        ("a.json", b"[" + GOOD + b', {"id": "a', "breaks off in item 2"),
        ("a.json", b"[" + GOOD + b"}", "goes on behind the end of its array"),
        ("a.json", b"[" + GOOD + b"] []", "goes on behind the end of its array"),
        ("a.json", b"[" + GOOD + b",]", "2: is no JSON: Expecting value: line 1 column 1 (char 0)"),
        (
            "a.csv",
            b'id,source_type,created_at\ngood,s,2025-01-01\na,s,"never\nclosed',
            "3: has a quote that is never closed",
        ),
    ],
)
def test_a_file_whose_rest_cannot_be_read(
    account: Account, tmp_path: Path, name: str, data: bytes, reason: str
) -> None:
    assert read(account, data, tmp_path / name) == (1, "1 recorded, 0 already known, 1 rejected\n", f"file: {reason}\n")
    assert ids(account) == ["good"]


@pytest.mark.parametrize(("format", "last"), [("csv", b"a,batch"), ("jsonl", b'{"id":"a"')])
def test_a_truncated_gzip_is_recorded_up_to_where_it_ends(
    account: Account, tmp_path: Path, format: str, last: bytes
) -> None:
    stored = gzip.compress(FILES[format], 0, mtime=0)  # not packed: the text can be seen in it
    cut = stored[: stored.index(last) + 5]
    status, said, told = read(account, cut, tmp_path / f"a.{format}.gz")
    assert (status, said) == (1, "1 recorded, 0 already known, 1 rejected\n")
    assert told == "file: the gzip data is damaged or ends too early\n"
    assert ids(account) == ["b"]


def test_files_that_hold_nothing(account: Account, tmp_path: Path) -> None:
    for name, data in (("a.jsonl", b""), ("b.jsonl", b"\n \n"), ("a.json", b" [\n] "), ("a.csv", CSV[:39])):
        assert read(account, data, tmp_path / name) == (0, "0 recorded, 0 already known, 0 rejected\n", ""), name
    assert items(account) == []


def test_a_huge_line_is_passed_over(account: Account) -> None:
    huge = b'{"id": "huge", "description": "' + b"x" * 2**26 + b'"}'
    status, said, told = read(account, huge + b"\n" + GOOD)
    assert (status, said) == (1, "1 recorded, 0 already known, 1 rejected\n")
    assert told == "file: 1: is longer than 64 MiB\n"
    status, said, told = read(account, b"[" + GOOD + b"," + huge + b"]")
    assert (status, said) == (1, "0 recorded, 1 already known, 1 rejected\n")
    assert told == "file: has more than 64 MiB in item 2\n"
    assert ids(account) == ["good"]


@pytest.mark.parametrize("name", ["nowhere.jsonl", "."])
def test_what_is_no_file_stops_all(account: Account, tmp_path: Path, name: str) -> None:
    (tmp_path / "good.jsonl").write_bytes(GOOD)
    path = tmp_path / name
    told = sightlog(account.stack, "import", str(tmp_path / "good.jsonl"), str(path), "--account", "nobody yet")
    assert (told.exit_code, told.stdout, told.stderr) == (2, "", f"Error: There is no file {path}.\n")
    known = sightlog(account.stack, "keys", "list", "--account", "nobody yet")
    assert (known.exit_code, known.stderr) == (2, "Error: There is no account named 'nobody yet'.\n")


@pytest.mark.parametrize(("count", "new", "size"), [(16_000, 2000, 8_000), (220, 8, 600_000)])
def test_memory_stays_flat(tmp_path: Path, count: int, new: int, size: int) -> None:
    """Of 130 MB that run in through standard input, a batch or two is held at a time. (What is known costs no time.)"""
    line = b'{"id":"%d","source_type":"s","created_at":"2025-01-01","description":"' + b"x" * size + b'"}\n'
    # A process between, because a child counts its parent's memory as its own until it runs another program.
    command = [sys.executable, "-c", MEASURE, *COMMAND, "import", "-", "--create", "--account", "flat"]
    environment = Stack(tmp_path, {}).environment
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE}
    with subprocess.Popen(command, cwd=ROOT, env=environment, **pipes) as process:  # type: ignore[call-overload]
        for number in range(count):
            process.stdin.write(line % (number % new))
        process.stdin.close()
        told, kilobytes = process.stdout.read().decode().splitlines()
    assert told == f"{new} recorded, {count - new} already known, 0 rejected"
    assert int(kilobytes) < 190_000


MEASURE = """import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)"""
