"""What others' clients and pipelines say is recorded, and works as if nobody recorded it."""

import asyncio
import base64
import hashlib
import json
import sys
import types
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler
from pathlib import Path
from typing import Any

import pytest
from openai import AsyncOpenAI, BadRequestError, OpenAI

from sightlog.integrations import openai, transformers
from sightlog.recorder import Counters, Recorder
from tests.client.another import serving
from tests.client.recorder.conftest import Scripted
from tools import patience

URL = "https://example.com/1.jpg"
IMAGE = b"GIF89a" + bytes(2000)
DATA_URL = f"data:image/gif;base64,{base64.b64encode(IMAGE).decode()}"
DIGEST = f"sha256:{hashlib.sha256(IMAGE).hexdigest()}"
CREATED = "2025-01-15T10:30:00+00:00"


def messages(*images: str) -> Any:
    parts = [{"type": "image_url", "image_url": {"url": image}} for image in images]
    return [
        {"role": "system", "content": "You describe images."},
        {"role": "user", "content": [{"type": "text", "text": "What is it?"}, *parts]},
    ]


@pytest.fixture(scope="module")
def model() -> Iterator[str]:
    """A server of chat completions, as many programs are; its URL. It refuses what speaks of a bad image."""
    created = int(datetime.fromisoformat(CREATED).timestamp())
    head = {"id": "chatcmpl-1", "created": created, "model": "m-1-2025"}

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if "bad.jpg" in json.dumps(asked["messages"]):
                return self.say(
                    400, "application/json", {"error": {"message": "not an image", "code": "invalid_image"}}
                )
            if asked.get("stream"):
                return self.stream(asked)
            choices = [
                {"index": n, "finish_reason": "stop", "message": {"role": "assistant", "content": f"A dog {n}"}}
                for n in range(asked.get("n") or 1)
            ]
            usage = {"prompt_tokens": 11, "completion_tokens": 3, "total_tokens": 14}
            self.say(200, "application/json", {**head, "object": "chat.completion", "choices": choices, "usage": usage})
            return None

        def stream(self, asked: Any) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/event-stream")
            self.end_headers()
            for text, reason in [("A ", None), ("dog", None), (None, "stop")]:
                choice = {"index": 0, "delta": {"content": text}, "finish_reason": reason}
                chunk = {**head, "object": "chat.completion.chunk", "choices": [choice]}
                self.wfile.write(f"data: {json.dumps(chunk)}\n\n".encode())
            self.wfile.write(b"data: [DONE]\n\n")

        def say(self, status: int, kind: str, answer: Any) -> None:
            content = json.dumps(answer).encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        def log_message(self, *_: Any) -> None:
            pass

    with serving(Handler) as url:
        yield f"{url}/v1"


@pytest.fixture
def log(scripted: Scripted, recorder: Callable[..., Recorder]) -> Recorder:
    return recorder(scripted.url)


@pytest.fixture
def client(model: str, log: Recorder) -> Iterator[OpenAI]:
    with OpenAI(base_url=model, api_key="none", max_retries=0) as opened:
        yield openai.wrap(opened, log, source_type="batch", metadata={"team": "north"})


def recorded(log: Recorder, scripted: Scripted) -> list[dict[str, Any]]:
    """In the order of their ids, without how long they took, which they all tell."""
    assert log.flush(patience.seconds(30))
    rows = [scripted.taken[id] for id in sorted(scripted.taken)]
    for row in rows:
        assert row["metadata"].pop("duration_ms", 0) >= 0
    return rows


ANSWERED = {
    "id": "chatcmpl-1",
    "sourceType": "batch",
    "createdAt": CREATED,
    "imageUrl": URL,
    "description": "A dog 0",
    "metadata": {
        "team": "north",
        "model": "m-1-2025",
        "input_tokens": 11,
        "output_tokens": 3,
        "finish_reason": "stop",
    },
}
STREAMED = ANSWERED | {
    "description": "A dog",
    "metadata": {"team": "north", "model": "m-1-2025", "finish_reason": "stop"},
}


def test_openai_an_answer(client: OpenAI, log: Recorder, scripted: Scripted) -> None:
    answer = client.chat.completions.create(model="m-1", messages=messages(URL))
    assert answer.choices[0].message.content == "A dog 0"
    assert recorded(log, scripted) == [ANSWERED]


def test_openai_many_choices_and_images(client: OpenAI, log: Recorder, scripted: Scripted) -> None:
    client.chat.completions.create(model="m-1", messages=messages(DATA_URL, URL), n=2)
    found = recorded(log, scripted)
    assert [(row["id"], row["description"]) for row in found] == [
        ("chatcmpl-1", "A dog 0"),
        ("chatcmpl-1-1", "A dog 1"),
    ]
    assert all(row["imageId"] == DIGEST and "imageUrl" not in row for row in found)
    assert found[0]["metadata"]["images"] == [DIGEST, URL]
    assert len(json.dumps(found)) < 2000


def test_openai_without_an_image_nothing_is_recorded(client: OpenAI, log: Recorder) -> None:
    client.chat.completions.create(model="m-1", messages=[{"role": "user", "content": "Hello"}])
    assert log.flush()
    assert log.counters() == Counters()


def test_openai_a_stream(client: OpenAI, log: Recorder, scripted: Scripted) -> None:
    with client.chat.completions.create(model="m-1", messages=messages(URL), stream=True) as stream:
        assert stream.response.status_code == 200
        assert "".join(chunk.choices[0].delta.content or "" for chunk in stream) == "A dog"
    assert recorded(log, scripted) == [STREAMED]


def test_openai_a_stream_that_is_left(client: OpenAI, log: Recorder, scripted: Scripted) -> None:
    with client.chat.completions.create(model="m-1", messages=messages(URL), stream=True) as stream:
        assert next(stream).choices[0].delta.content == "A "
    (found,) = recorded(log, scripted)
    assert (found["description"], "finish_reason" in found["metadata"]) == ("A ", False)


def test_openai_a_failure(client: OpenAI, log: Recorder, scripted: Scripted) -> None:
    with pytest.raises(BadRequestError, match="not an image"):
        client.chat.completions.create(model="m-1", messages=messages("https://example.com/bad.jpg"))
    (found,) = recorded(log, scripted)
    assert (found["status"], found["imageUrl"]) == ("FAILED", "https://example.com/bad.jpg")
    assert found["errorMessage"].startswith("BadRequestError: Error code: 400")
    assert found["metadata"] == {"team": "north", "model": "m-1"}


def test_openai_async(model: str, log: Recorder, scripted: Scripted) -> None:
    async def run() -> None:
        async with AsyncOpenAI(base_url=model, api_key="none", max_retries=0) as plain:
            client = openai.wrap(plain, log, source_type="batch", metadata={"team": "north"})
            answer = await client.chat.completions.create(model="m-1", messages=messages(URL))
            assert answer.choices[0].message.content == "A dog 0"
            assert recorded(log, scripted) == [ANSWERED]
            scripted.taken.clear()
            stream = await client.chat.completions.create(model="m-1", messages=messages(URL), stream=True)
            assert "".join([chunk.choices[0].delta.content or "" async for chunk in stream]) == "A dog"
            with pytest.raises(BadRequestError):
                await client.chat.completions.create(model="m-1", messages=messages("https://example.com/bad.jpg"))

    asyncio.run(run())
    found = recorded(log, scripted)
    assert STREAMED in found
    assert sorted(row.get("status", "COMPLETED") for row in found) == ["COMPLETED", "FAILED"]


def test_openai_works_where_recording_does_not(model: str, caplog: pytest.LogCaptureFixture) -> None:
    class Broken:
        def record(self, **_: Any) -> str:
            raise RuntimeError("broken")

    with OpenAI(base_url=model, api_key="none", max_retries=0) as client:
        openai.wrap(client, Broken())
        answer = client.chat.completions.create(model="m-1", messages=messages(URL))
        assert answer.choices[0].message.content == "A dog 0"
        stream = client.chat.completions.create(model="m-1", messages=messages(URL), stream=True)
        assert len(list(stream)) == 3
    assert [one.getMessage() for one in caplog.records] == ["sightlog: an answer could not be recorded"] * 2


@pytest.fixture
def litellm_logger(monkeypatch: pytest.MonkeyPatch, log: Recorder) -> Any:
    """Of a LiteLLM that has nothing but the class from which loggers are made: the real one is 400 MB."""
    names = ("litellm", "litellm.integrations", "litellm.integrations.custom_logger")
    for name in names:
        monkeypatch.setitem(sys.modules, name, types.ModuleType(name))
    sys.modules[names[-1]].CustomLogger = type("CustomLogger", (), {})  # type: ignore[attr-defined]
    monkeypatch.delitem(sys.modules, "sightlog.integrations.litellm", raising=False)
    from sightlog.integrations.litellm import SightlogLogger

    monkeypatch.delitem(sys.modules, "sightlog.integrations.litellm")
    return SightlogLogger(log, source_type="batch", metadata={"team": "north"})


START = datetime(2025, 1, 15, 10, 30, tzinfo=UTC)


def response() -> dict[str, Any]:
    """What LiteLLM gives, of which items and attributes can be read alike."""
    return {
        "id": "chatcmpl-1",
        "created": int(START.timestamp()),
        "model": "m-1-2025",
        "choices": [{"index": 0, "finish_reason": "stop", "message": {"content": "A dog 0"}}],
        "usage": {"prompt_tokens": 11, "completion_tokens": 3},
    }


def test_litellm_an_answer(litellm_logger: Any, log: Recorder, scripted: Scripted) -> None:
    kwargs = {"model": "m-1", "messages": messages(URL), "stream": False}
    litellm_logger.log_success_event(kwargs, response(), START, START + timedelta(seconds=1))
    assert log.flush()
    assert scripted.taken["chatcmpl-1"]["metadata"]["duration_ms"] == 1000
    assert recorded(log, scripted) == [ANSWERED]


def test_litellm_both_twins_of_a_stream_make_one_result(litellm_logger: Any, log: Recorder, scripted: Scripted) -> None:
    kwargs = {"model": "m-1", "messages": messages(URL), "stream": True}
    litellm_logger.log_success_event(kwargs, {"choices": []}, START, START)
    whole = {**kwargs, "complete_streaming_response": response()}
    litellm_logger.log_success_event(whole, None, START, START + timedelta(seconds=1))
    whole = {**kwargs, "async_complete_streaming_response": response()}
    asyncio.run(litellm_logger.async_log_success_event(whole, None, START, START + timedelta(seconds=1)))
    assert recorded(log, scripted) == [ANSWERED]
    assert log.counters() == Counters(recorded=1, known=1)


def test_litellm_a_failure(litellm_logger: Any, log: Recorder, scripted: Scripted) -> None:
    kwargs = {"model": "m-1", "messages": messages(URL), "litellm_call_id": "7", "exception": ValueError("no")}
    litellm_logger.log_failure_event(kwargs, None, START, START)
    asyncio.run(litellm_logger.async_log_failure_event(kwargs, None, START, START))
    (found,) = recorded(log, scripted)
    assert (found["id"], found["status"], found["errorMessage"]) == ("failed-7", "FAILED", "ValueError: no")
    assert log.counters() == Counters(recorded=1, known=1)


class Pipeline:
    """As `transformers.pipeline("image-to-text")`: a list for an image, a list of such lists for several."""

    class model:  # noqa: N801
        name_or_path = "blip"

    def __call__(self, images: Any, **kwargs: Any) -> Any:
        if isinstance(images, list):
            return [self(image) for image in images]
        if isinstance(images, Iterator):
            return (self(image) for image in images)
        if images == "bad.jpg":
            raise OSError("no image")
        return [{"generated_text": f"{images} {kwargs.get('prompt', '')}".strip()}]


def test_transformers(log: Recorder, scripted: Scripted) -> None:
    caption = transformers.wrap(Pipeline(), log, source_type="batch")
    assert caption("1.jpg") == [{"generated_text": "1.jpg"}]
    assert caption(images="2.jpg", prompt="a") == [{"generated_text": "2.jpg a"}]
    assert caption([Path("3.jpg"), "4.jpg"]) == [[{"generated_text": "3.jpg"}], [{"generated_text": "4.jpg"}]]
    assert list(caption(iter(["5.jpg"]))) == [[{"generated_text": "5.jpg"}]]
    with pytest.raises(OSError, match="no image"):
        caption("bad.jpg")
    found = {(row.get("imageUrl"), row.get("description"), row.get("errorMessage")) for row in recorded(log, scripted)}
    assert found == {
        ("1.jpg", "1.jpg", None),
        ("2.jpg", "2.jpg a", None),
        ("3.jpg", "3.jpg", None),
        ("4.jpg", "4.jpg", None),
        (None, "5.jpg", None),
        ("bad.jpg", None, "OSError: no image"),
    }
    assert {row["metadata"]["model"] for row in scripted.taken.values()} == {"blip"}


@pytest.mark.parametrize(
    "output",
    [
        [{"generated_text": "A dog"}],
        {"generated_text": "A dog"},
        [{"generated_text": [{"role": "user", "content": "?"}, {"role": "assistant", "content": "A dog"}]}],
        [{"generated_text": [{"role": "assistant", "content": [{"type": "text", "text": "A dog"}]}]}],
    ],
)
def test_transformers_the_shapes_of_an_output(output: Any) -> None:
    assert transformers.text_of(output) == "A dog"
