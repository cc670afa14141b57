"""Requests to the server, tried again where that is harmless and may help."""

from __future__ import annotations

import asyncio
import email.utils
import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timezone
from importlib.metadata import version
from typing import Any

import httpx
from pydantic import BaseModel

from sightlog.errors import ServerFailed, SightlogError, Unavailable, kind_of
from sightlog.profiles import Profile

AGAIN = frozenset({429, 502, 503, 504})
"""Statuses after which the same request may succeed."""


@dataclass(frozen=True)
class Retries:
    """How often and how long a request is tried. Times are in seconds.

    Between two tries lies a random time of up to `first`, doubled with each try up to `longest` ("full jitter"), and at
    least what `Retry-After` asks for. No try begins later than `total` after the first, so a `Retry-After` beyond it is
    an error at once. `statuses` are of the answers after which a request is tried again.
    """

    tries: int = 6
    first: float = 0.5
    longest: float = 30
    total: float = 120
    statuses: frozenset[int] = AGAIN

    def delay(self, tried: int, elapsed: float, retry_after: float | None) -> float | None:
        """How long to wait after that many tries; None: no more."""
        pause = max(random.uniform(0, min(self.longest, self.first * 2 ** (tried - 1))), retry_after or 0)  # noqa: S311
        return pause if tried < self.tries and elapsed + pause <= self.total else None


@dataclass(frozen=True)
class Options:
    """How requests are made. `timeout` is that of httpx: seconds for each of connecting, sending and the next bytes.

    `told` hears, from the second failure of a request on, why it is tried again and in how many seconds.
    """

    retries: Retries = field(default_factory=Retries)
    timeout: float = 60
    told: Callable[[SightlogError, float], object] | None = None


def headers_of(profile: Profile) -> dict[str, str]:
    """The key goes with each request; where a server redirects is not followed, so it goes nowhere else."""
    return {"Authorization": f"Bearer {profile.api_key}", "User-Agent": f"sightlog-python/{version('sightlog')}"}


class Trying:
    """The tries of one request: told how each ended, it says how long to wait before the next, or raises."""

    def __init__(self, retries: Retries, told: Callable[[SightlogError, float], object] | None = None) -> None:
        self._retries = retries
        self._told = told
        self._tried = 0
        self._begun = time.monotonic()

    def pause(self, error: SightlogError) -> float:
        self._tried += 1
        delay = self._retries.delay(self._tried, time.monotonic() - self._begun, error.retry_after)
        if delay is None:
            raise error
        if self._told is not None and self._tried > 1:
            self._told(error, delay)
        return delay


class Transport:
    """The requests of one program to one server. Safe for threads; `close` ends its connections."""

    def __init__(self, profile: Profile, options: Options | None = None) -> None:
        self.profile = profile
        self.options = options or Options()
        self.http = httpx.Client(
            base_url=profile.url, headers=headers_of(profile), timeout=self.options.timeout, follow_redirects=False
        )

    def request(self, method: str, path: str, *, retries: Retries | None = None, **given: Any) -> httpx.Response:
        """The answer of a request that changes nothing when it is made twice; SightlogError where it is refused."""
        trying = Trying(retries or self.options.retries, self.options.told)
        while True:
            try:
                answer = self.http.request(method, path, **given)
                if answer.status_code not in (retries or self.options.retries).statuses:
                    return accepted(answer)
                error = refusal(answer)
            except httpx.RequestError as broken:
                error = unreachable(self.profile, broken)
            time.sleep(trying.pause(error))

    def execute(
        self, query: str, operation_name: str | None = None, variables: Mapping[str, object] | None = None, **given: Any
    ) -> dict[str, Any]:
        """The `data` of an operation."""
        content = body_of(query, operation_name, variables or {})
        return data_of(self.request("POST", "/graphql", content=content, headers=GRAPHQL, **given))

    def get_data(self, data: dict[str, Any]) -> dict[str, Any]:
        return data

    def close(self) -> None:
        self.http.close()


class AsyncTransport:
    """The same for asyncio."""

    def __init__(self, profile: Profile, options: Options | None = None) -> None:
        self.profile = profile
        self.options = options or Options()
        self.http = httpx.AsyncClient(
            base_url=profile.url, headers=headers_of(profile), timeout=self.options.timeout, follow_redirects=False
        )

    async def request(self, method: str, path: str, *, retries: Retries | None = None, **given: Any) -> httpx.Response:
        trying = Trying(retries or self.options.retries, self.options.told)
        while True:
            try:
                answer = await self.http.request(method, path, **given)
                if answer.status_code not in (retries or self.options.retries).statuses:
                    return accepted(answer)
                error = refusal(answer)
            except httpx.RequestError as broken:
                error = unreachable(self.profile, broken)
            await asyncio.sleep(trying.pause(error))

    async def execute(
        self, query: str, operation_name: str | None = None, variables: Mapping[str, object] | None = None, **given: Any
    ) -> dict[str, Any]:
        content = body_of(query, operation_name, variables or {})
        return data_of(await self.request("POST", "/graphql", content=content, headers=GRAPHQL, **given))

    def get_data(self, data: dict[str, Any]) -> dict[str, Any]:
        return data

    async def close(self) -> None:
        await self.http.aclose()


GRAPHQL = {"Content-Type": "application/json", "Accept": "application/graphql-response+json"}


def body_of(query: str, operation_name: str | None, variables: Mapping[str, object]) -> bytes:
    """Variables that are not given are left out, so that the server's defaults hold."""
    from sightlog.api.base_model import UNSET

    given = {name: value for name, value in variables.items() if value is not UNSET}
    body = {"query": query, "operationName": operation_name, "variables": given}
    return json.dumps(body, default=_plain, ensure_ascii=False, separators=(",", ":")).encode()


def _plain(value: object) -> object:
    if isinstance(value, BaseModel):
        return value.model_dump(mode="json", by_alias=True, exclude_unset=True)
    if isinstance(value, datetime):
        return value.isoformat()
    raise TypeError(f"{type(value).__name__} cannot be sent as JSON")


def accepted(answer: httpx.Response) -> httpx.Response:
    """The answer of a request that was not refused; errors inside an answer of GraphQL are for `data_of`."""
    if answer.is_success or "graphql-response" in answer.headers.get("Content-Type", ""):
        return answer
    raise refusal(answer)


def data_of(answer: httpx.Response) -> dict[str, Any]:
    """The `data` of GraphQL's answer; SightlogError with the first of its errors."""
    found = _json(answer)
    if not isinstance(found, dict) or not (isinstance(found.get("data"), dict) or found.get("errors")):
        message = f"{answer.url} did not answer as a Sightlog does; is the URL that of one?"
        raise ServerFailed(message, request_id=answer.headers.get("X-Request-ID"))
    if found.get("errors"):
        raise refusal(answer)
    data: dict[str, Any] = found["data"]
    return data


def refusal(answer: httpx.Response) -> SightlogError:
    """The error of a refused request, in the shape of GraphQL or of the documented paths."""
    found = _json(answer)
    found = found if isinstance(found, dict) else {}
    errors = found.get("errors")
    first = errors[0] if isinstance(errors, list) and errors and isinstance(errors[0], dict) else {}
    told = first.get("extensions") or found.get("error") or found.get("detail")
    told = told if isinstance(told, dict) else {}
    message = first.get("message") or told.get("message") or f"{answer.url} answered {answer.status_code}."
    code = told.get("code")
    return kind_of(code, answer.status_code)(
        str(message),
        code=code,
        field=told.get("field"),
        request_id=answer.headers.get("X-Request-ID"),
        retry_after=retry_after_of(answer),
    )


def unreachable(profile: Profile, broken: httpx.RequestError) -> Unavailable:
    return Unavailable(f"{profile.url} is not reached: {str(broken) or type(broken).__name__}")


def retry_after_of(answer: httpx.Response, now: Callable[[], float] = time.time) -> float | None:
    """Seconds; RFC 9110 allows a number or a date."""
    told = answer.headers.get("Retry-After", "")
    if told.isascii() and told.isdigit():
        return float(told)
    try:
        at = email.utils.parsedate_to_datetime(told)
    except (TypeError, ValueError):
        return None
    if at.tzinfo is None:
        at = at.replace(tzinfo=timezone.utc)
    return max(0.0, at.timestamp() - now())


def _json(answer: httpx.Response) -> Any:
    try:
        return answer.json()
    except ValueError:
        return None
