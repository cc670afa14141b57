"""What a program records arrives, as it was given."""

import hashlib
import threading
import time
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from app.models import Scope
from sightlog.describing import describe
from sightlog.errors import NotSignedIn
from sightlog.recorder import Bounds, Counters, Recorder, Refusal
from tests.client.recorder.conftest import Scripted
from tests.conftest import Account, only_embedded
from tools import patience

FIELDS = (
    "id type status sourceType sourceId createdAt imageUrl imageId description confidenceScore metadata errorMessage"
)
FIND = f"query($filter: DescriptionFilter) {{ descriptions(filter: $filter) {{ nodes {{ {FIELDS} }} }} }}"


def kept(account: Account) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = account.graphql(FIND, filter={"includeFailed": True})["descriptions"]["nodes"]
    return found


@pytest.fixture
def log(account: Account, recorder: Callable[..., Recorder]) -> Recorder:
    from app.models import Scope

    return recorder(account.stack.url, account.keys[Scope.WRITE])


def test_all_that_a_result_has(account: Account, log: Recorder) -> None:
    id = log.record(
        id="mine",
        description="A dög, 犬",
        image_url="https://example.com/1.jpg",
        image_id="img_1",
        source_type="batch",
        source_id="run_7",
        confidence_score=0.93,
        metadata={"model": "m", "nested": {"list": [1, None, "x"]}},
        created_at=datetime(2025, 1, 15, 10, 30, tzinfo=UTC),
        type="rule",
    )
    assert (id, log.flush()) == ("mine", True)
    assert kept(account) == [
        {
            "id": "mine",
            "type": "rule",
            "status": "COMPLETED",
            "sourceType": "batch",
            "sourceId": "run_7",
            "createdAt": "2025-01-15T10:30:00Z",
            "imageUrl": "https://example.com/1.jpg",
            "imageId": "img_1",
            "description": "A dög, 犬",
            "confidenceScore": 0.93,
            "metadata": {"model": "m", "nested": {"list": [1, None, "x"]}},
            "errorMessage": None,
        }
    ]
    assert log.counters() == Counters(recorded=1)


def test_a_result_of_which_little_is_said(account: Account, log: Recorder) -> None:
    before = datetime.now(UTC)
    id = uuid.UUID(log.record(description="A dog"))
    assert log.flush()
    (found,) = kept(account)
    assert (id.version, id.variant, found["id"]) == (7, uuid.RFC_4122, str(id))
    assert abs((id.int >> 80) / 1000 - before.timestamp()) < 5
    assert before <= datetime.fromisoformat(found["createdAt"]) <= datetime.now(UTC)
    assert (found["sourceType"], found["type"], found["metadata"]) == ("single", "description", {})


def test_recording_twice_is_harmless(account: Account, log: Recorder) -> None:
    for description in ("A dog", "A dog", "A cat"):
        log.record(id="one", description=description, created_at="2025-01-15T10:30:00Z")
        assert log.flush()
    assert log.counters() == Counters(recorded=1, known=2, conflicting=1)
    assert [one["description"] for one in kept(account)] == ["A dog"]


def test_what_was_erased_is_counted_and_stays_away(account: Account, log: Recorder) -> None:
    with account.connect(Scope.ADMIN) as admin:
        admin.post("/graphql", json={"query": 'mutation { eraseDescriptions(ids: ["one"]) { erased } }'})
    log.record(id="one", description="A dog")
    log.record(id="two", description="A dog")
    assert log.flush()
    assert log.counters() == Counters(recorded=1, erased=1)
    assert [one["id"] for one in kept(account)] == ["two"]


def test_an_id_follows_from_that_of_the_response(log: Recorder) -> None:
    assert log.record(description="A dog", response_id="chatcmpl-1") == "chatcmpl-1"
    long = log.record(description="A dog", response_id="x" * 300)
    assert long == f"sha256:{hashlib.sha256(b'x' * 300).hexdigest()}"
    assert log.flush()
    assert log.counters().recorded == 2


def test_an_image_inside_its_url_is_kept_as_its_digest(account: Account, log: Recorder) -> None:
    image = bytes(range(256)) * 40
    import base64

    url = f"data:image/png;base64,{base64.b64encode(image).decode()}"
    log.record(id="a", description="A dog", image_url=url)
    log.record(id="b", description="A dog", image_url=url, image_id="mine")
    assert log.flush()
    digest = f"sha256:{hashlib.sha256(image).hexdigest()}"
    assert {one["id"]: (one["imageUrl"], one["imageId"]) for one in kept(account)} == {
        "a": (None, digest),
        "b": (None, "mine"),
    }


def test_a_block_is_timed_and_its_exception_goes_on(account: Account, log: Recorder) -> None:
    with log.describing(id="good", image_url="https://example.com/1.jpg", metadata={"model": "m"}) as result:
        time.sleep(0.02)
        result.description = "A dog"
        result.metadata["tokens"] = 3
    with pytest.raises(RuntimeError, match="out of memory"), log.describing(id="bad"):
        raise RuntimeError("out of memory")
    with pytest.raises(KeyboardInterrupt), log.describing(id="stopped"):
        raise KeyboardInterrupt
    with pytest.raises(AttributeError, match="no field 'descripton'"), log.describing(id="typo") as result:
        result.descripton = "A dog"
    assert log.flush()
    found = {one["id"]: one for one in kept(account)}
    assert sorted(found) == ["bad", "good", "typo"]
    assert found["good"]["description"] == "A dog"
    assert found["good"]["metadata"].pop("duration_ms") >= 20
    assert found["good"]["metadata"] == {"model": "m", "tokens": 3}
    assert (found["bad"]["status"], found["bad"]["errorMessage"]) == ("FAILED", "RuntimeError: out of memory")
    assert found["bad"]["metadata"].keys() == {"duration_ms"}


@only_embedded
def test_a_function_whose_calls_are_results(account: Account, log: Recorder, tmp_path: Path) -> None:
    @describe(log, metadata={"model": "m"}, source_type="batch")
    def caption(url: object, *, loud: bool = False) -> str:
        if url == "https://example.com/bad.jpg":
            raise ValueError("no image")
        return "A DOG" if loud else "a dog"

    @describe(log, image="picture", read=lambda found: {"description": found[0], "confidence_score": found[1]})
    def scored(prompt: str, picture: bytes) -> tuple[str, float]:
        return f"{prompt}: a cat", 0.5

    assert caption("https://example.com/1.jpg", loud=True) == "A DOG"
    assert caption(tmp_path / "2.jpg") == "a dog"
    assert scored("What is it?", picture=b"GIF89a") == ("What is it?: a cat", 0.5)
    with pytest.raises(ValueError, match="no image"):
        caption("https://example.com/bad.jpg")
    with pytest.raises(TypeError, match="unexpected keyword argument 'quiet'"):
        caption("https://example.com/1.jpg", quiet=True)  # type: ignore[call-arg]
    with pytest.raises(ValueError, match="no argument 'image'"):
        describe(log, image="image")(caption)
    assert log.flush()
    found = {(one["imageUrl"] or one["imageId"], one["description"], one["confidenceScore"]) for one in kept(account)}
    assert found == {
        ("https://example.com/1.jpg", "A DOG", None),
        (str(tmp_path / "2.jpg"), "a dog", None),
        (f"sha256:{hashlib.sha256(b'GIF89a').hexdigest()}", "What is it?: a cat", 0.5),
        ("https://example.com/bad.jpg", None, None),
        (None, None, None),
    }
    assert caption.__name__ == "caption"


def test_what_the_server_refuses_is_told_and_the_rest_is_recorded(
    account: Account, recorder: Callable[..., Recorder]
) -> None:
    from app.models import Scope

    told: list[tuple[Any, Refusal]] = []
    log = recorder(
        account.stack.url, account.keys[Scope.WRITE], on_refused=lambda row, why: told.append((row["id"], why))
    )
    log.record(id="good", description="A dog")
    log.record(id="sure", description="A dog", confidence_score=1.5)
    log.record(id="later", description="A dog", created_at="yesterday")
    log.record(id="number", description=7)  # type: ignore[arg-type]
    log.record(id="nan", description="A dog", metadata={"score": float("nan")})
    log.record(id="better", description="A cat")
    assert log.flush()
    assert log.counters() == Counters(recorded=2, refused=4)
    assert {one["id"] for one in kept(account)} == {"good", "better"}
    why = {id: (refusal.code, refusal.field) for id, refusal in told}
    assert why == {
        "sure": ("VALIDATION_ERROR", "confidence_score"),
        "later": ("VALIDATION_ERROR", "created_at"),
        "number": ("VALIDATION_ERROR", "description"),
        "nan": ("VALIDATION_ERROR", None),
    }


def test_refused_results_are_in_a_file_where_nobody_asks_for_them(
    account: Account, log: Recorder, spool: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import orjson

    for id in ("a", "b"):
        log.record(id=id, description="A dog", confidence_score=2)
        assert log.flush()
    (file,) = spool.iterdir()
    assert file.stat().st_mode & 0o777 == 0o600
    letters = [orjson.loads(line) for line in file.read_bytes().splitlines()]
    assert [(one["result"]["id"], one["result"]["confidence_score"], one["field"], one["code"]) for one in letters] == [
        ("a", 2.0, "confidence_score", "VALIDATION_ERROR"),
        ("b", 2.0, "confidence_score", "VALIDATION_ERROR"),
    ]
    assert [one.getMessage() for one in caplog.records] == [
        f"sightlog: Results were refused and are in {file}; the first: {letters[0]['message']}"
    ]


class Strange:
    def __getattr__(self, name: str) -> Any:
        raise RuntimeError("do not look at me")

    def __str__(self) -> str:
        raise RuntimeError("nor print me")

    __repr__ = __str__


def test_no_value_breaks_the_program(scripted: Scripted, recorder: Callable[..., Recorder]) -> None:
    refused: list[str] = []
    log = recorder(scripted.url, on_refused=lambda row, why: refused.append(why.message))
    circle: dict[str, Any] = {}
    circle["self"] = circle
    strange: list[dict[str, Any]] = [
        {"metadata": {"x": Strange()}},
        {"metadata": circle},
        {"metadata": Strange()},
        {"metadata": {("a", "b"): 1}},
        {"description": "\ud800"},
        {"description": b"bytes"},
        {"image_url": Strange()},
        {"confidence_score": "high"},
        {"confidence_score": 10**400},
        {"created_at": 7},
        {"description": "x" * 9_000_000},
    ]
    for fields in strange:
        log.record(**fields)
    log.record(description="fine", metadata={"at": datetime(2025, 1, 1, tzinfo=UTC), "path": Path("/x"), "set": {1}})
    assert log.flush()
    assert (len(refused), log.counters()) == (len(strange), Counters(recorded=1, refused=len(strange)))
    (row,) = scripted.taken.values()
    assert row["metadata"] == {"at": "2025-01-01T00:00:00+00:00", "path": "/x", "set": [1]}


def test_later_changes_of_the_metadata_are_not_recorded(scripted: Scripted, recorder: Callable[..., Recorder]) -> None:
    log, metadata = recorder(scripted.url), {"place": 0}
    for place in range(3):
        metadata["place"] = place
        log.record(id=str(place), metadata=metadata)
    assert log.flush()
    assert {id: row["metadata"] for id, row in scripted.taken.items()} == {
        str(place): {"place": place} for place in range(3)
    }


def test_batches_by_number_bytes_and_age(scripted: Scripted, recorder: Callable[..., Recorder]) -> None:
    by_number = recorder(scripted.url, bounds=Bounds(batch_rows=10, age=60))
    for number in range(25):
        by_number.record(id=f"n{number}")
    patience.until(lambda: len(scripted.taken) == 20, 10)
    assert [len(rows) for rows in scripted.requests] == [10, 10]
    by_number.flush()
    scripted.requests.clear()
    by_bytes = recorder(scripted.url, bounds=Bounds(batch_bytes=100_000, age=60))
    for number in range(8):
        by_bytes.record(id=f"b{number}", description="x" * 30_000)
    patience.until(lambda: len(scripted.taken) == 33, 10)
    assert [len(rows) for rows in scripted.requests] == [4, 4]
    scripted.requests.clear()
    by_age = recorder(scripted.url, bounds=Bounds(age=0.2))
    began = time.monotonic()
    by_age.record(id="a")
    patience.until(lambda: "a" in scripted.taken, 10)
    assert time.monotonic() - began >= 0.2


def test_many_threads(scripted: Scripted, recorder: Callable[..., Recorder]) -> None:
    log = recorder(scripted.url, bounds=Bounds(batch_rows=100))

    def work(name: int) -> None:
        for number in range(500):
            log.record(id=f"{name}-{number}")

    threads = [threading.Thread(target=work, args=(name,)) for name in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert log.flush()
    assert log.counters() == Counters(recorded=4000)
    assert len(scripted.taken) == sum(map(len, scripted.requests)) == 4000


def test_a_closed_recorder_begins_anew(scripted: Scripted, recorder: Callable[..., Recorder]) -> None:
    log = recorder(scripted.url)
    with log:
        log.record(id="a")
    assert log.counters() == Counters(recorded=1)
    log.record(id="b")
    assert log.close() == Counters(recorded=2)
    assert set(scripted.taken) == {"a", "b"}


def test_a_recorder_without_a_key(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("SIGHTLOG_API_KEY", raising=False)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with pytest.raises(NotSignedIn, match="No API key is known"):
        Recorder()


def test_bounds_that_cannot_be() -> None:
    with pytest.raises(ValueError, match="batch_rows is 1 to 10,000"):
        Bounds(batch_rows=10_001)
    with pytest.raises(ValueError, match="age is not less than 0"):
        Bounds(age=-1)
