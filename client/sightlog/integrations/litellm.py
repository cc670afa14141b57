"""Records what models say about images through LiteLLM, its SDK or its proxy.

litellm.callbacks = [sightlog.integrations.litellm.SightlogLogger(log)]
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from litellm.integrations.custom_logger import CustomLogger

from sightlog.integrations.chats import fields_of_request, quietly, results_of


class SightlogLogger(CustomLogger):  # type: ignore[misc]
    """LiteLLM calls both twins, the plain and the async one, for a streamed answer. Both make the same results: the id
    is that of the response, and the time that at which it was made. `fields` are those of every result.
    """

    def __init__(self, recorder: Any, **fields: Any) -> None:
        super().__init__()
        self._recorder = recorder
        self._fields = fields

    def log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        quietly(self._succeeded, kwargs, response_obj, start_time, end_time)

    async def async_log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        quietly(self._succeeded, kwargs, response_obj, start_time, end_time)

    def log_failure_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        quietly(self._failed, kwargs, start_time, end_time)

    async def async_log_failure_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        quietly(self._failed, kwargs, start_time, end_time)

    def _succeeded(self, kwargs: Mapping[str, Any], response: Any, start: Any, end: Any) -> None:
        request = self._request(kwargs)
        whole = kwargs.get("complete_streaming_response") or kwargs.get("async_complete_streaming_response")
        if request is None or (kwargs.get("stream") and whole is None):  # one chunk of many
            return
        for result in results_of(request, whole or response, _duration_ms(start, end)):
            self._recorder.record(**result)

    def _failed(self, kwargs: Mapping[str, Any], start: Any, end: Any) -> None:
        request = self._request(kwargs)
        if request is None:
            return
        error = kwargs.get("exception")
        metadata = {**request["metadata"], "duration_ms": _duration_ms(start, end)}
        call = kwargs.get("litellm_call_id")
        self._recorder.record(
            **{**request, "metadata": metadata},
            error_message=f"{type(error).__name__}: {error}" if error is not None else "The call failed.",
            created_at=end if isinstance(end, datetime) else None,
            id=f"failed-{call}" if call else None,
        )

    def _request(self, kwargs: Mapping[str, Any]) -> dict[str, Any] | None:
        request = fields_of_request(kwargs.get("messages"), kwargs.get("model"))
        if request is None:
            return None
        metadata = {**(self._fields.get("metadata") or {}), **request["metadata"]}
        return {**request, **self._fields, "metadata": metadata}


def _duration_ms(start: Any, end: Any) -> float | None:
    if isinstance(start, datetime) and isinstance(end, datetime):
        return round((end - start).total_seconds() * 1000, 3)
    return None
