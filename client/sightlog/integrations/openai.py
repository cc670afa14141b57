"""Records what an OpenAI-compatible model says about images, whoever serves it.

client = sightlog.integrations.openai.wrap(OpenAI(), log)
"""

from __future__ import annotations

import functools
import inspect
import time
from collections.abc import AsyncIterator, Iterator, Mapping
from typing import Any, TypeVar

from sightlog.integrations.chats import fields_of_request, get, quietly, results_of

C = TypeVar("C")


def wrap(client: C, recorder: Any, **fields: Any) -> C:
    """The same client, an `OpenAI` or `AsyncOpenAI`, whose `chat.completions.create` records each answer to a request
    with an image, streamed ones when they end, and each failure. `fields` are those of every result.

    Copies by `with_options`, raw responses and `parse` are not recorded.
    """
    completions: Any = client.chat.completions  # type: ignore[attr-defined]
    create = completions.create

    if inspect.iscoroutinefunction(create) or type(completions).__name__.startswith("Async"):

        @functools.wraps(create)
        async def create_async(*args: Any, **kwargs: Any) -> Any:
            call = quietly(_Call, recorder, fields, kwargs)
            try:
                answer = await create(*args, **kwargs)
            except Exception as error:
                quietly(_Call.failed, call, error)
                raise
            if call is not None and kwargs.get("stream"):
                return _AsyncStream(answer, call)
            quietly(_Call.answered, call, answer)
            return answer

        completions.create = create_async
    else:

        @functools.wraps(create)
        def create_sync(*args: Any, **kwargs: Any) -> Any:
            call = quietly(_Call, recorder, fields, kwargs)
            try:
                answer = create(*args, **kwargs)
            except Exception as error:
                quietly(_Call.failed, call, error)
                raise
            if call is not None and kwargs.get("stream"):
                return _Stream(answer, call)
            quietly(_Call.answered, call, answer)
            return answer

        completions.create = create_sync
    return client


class _Call:
    """One request, until it is recorded."""

    def __init__(self, recorder: Any, fields: Mapping[str, Any], kwargs: Mapping[str, Any]) -> None:
        self._record = recorder.record
        self._began = time.perf_counter()
        self._request = fields_of_request(kwargs.get("messages"), kwargs.get("model"))
        if self._request is not None:
            metadata = {**(fields.get("metadata") or {}), **self._request["metadata"]}
            self._request = {**self._request, **fields, "metadata": metadata}
        self._head: dict[str, Any] = {}
        self._texts: dict[int, list[str]] = {}
        self._reasons: dict[int, str] = {}

    def _duration_ms(self) -> float:
        return round((time.perf_counter() - self._began) * 1000, 3)

    def answered(self, response: Any) -> None:
        if self._request is not None:
            for result in results_of(self._request, response, self._duration_ms()):
                self._record(**result)
            self._request = None

    def failed(self, error: BaseException) -> None:
        if self._request is not None and isinstance(error, Exception):
            metadata = {**self._request["metadata"], "duration_ms": self._duration_ms()}
            message = f"{type(error).__name__}: {error}"
            self._record(**{**self._request, "metadata": metadata, "error_message": message})
            self._request = None

    def chunk(self, chunk: Any) -> None:
        if self._request is None:
            return
        for name in ("id", "created", "model", "usage"):
            value = get(chunk, name)
            if value:
                self._head[name] = value
        for choice in get(chunk, "choices") or ():
            place = get(choice, "index") or 0
            text, reason = get(choice, "delta", "content"), get(choice, "finish_reason")
            self._texts.setdefault(place, []).extend([text] if text else [])
            if reason:
                self._reasons[place] = reason

    def ended(self) -> None:
        choices = [
            {"index": place, "message": {"content": "".join(texts)}, "finish_reason": self._reasons.get(place)}
            for place, texts in self._texts.items()
        ]
        self.answered({**self._head, "choices": choices})


class _Stream:
    """The stream, whose chunks are gathered while the program reads them; it is recorded when that ends."""

    def __init__(self, stream: Any, call: _Call) -> None:
        self._stream, self._call = stream, call
        self._chunks = self._read()

    def _read(self) -> Iterator[Any]:
        try:
            for chunk in self._stream:
                quietly(self._call.chunk, chunk)
                yield chunk
        except Exception as error:
            quietly(self._call.failed, error)
            raise
        finally:
            quietly(self._call.ended)

    def __iter__(self) -> Iterator[Any]:
        return self

    def __next__(self) -> Any:
        return next(self._chunks)

    def __enter__(self) -> _Stream:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        quietly(self._call.ended)
        self._stream.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


class _AsyncStream:
    """The same for asyncio."""

    def __init__(self, stream: Any, call: _Call) -> None:
        self._stream, self._call = stream, call
        self._chunks = self._read()

    async def _read(self) -> AsyncIterator[Any]:
        try:
            async for chunk in self._stream:
                quietly(self._call.chunk, chunk)
                yield chunk
        except Exception as error:
            quietly(self._call.failed, error)
            raise
        finally:
            quietly(self._call.ended)

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        return await self._chunks.__anext__()

    async def __aenter__(self) -> _AsyncStream:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        quietly(self._call.ended)
        await self._stream.close()

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)
