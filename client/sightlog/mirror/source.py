"""The other side: a server of the documented Data Export API, asked with nothing but the documented requests."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timezone
from typing import IO, Any
from urllib.parse import quote, urlsplit

import httpx

from sightlog.errors import InvalidInput, NotFound, NotSignedIn, ServerFailed, SightlogError, TooLarge, Unavailable
from sightlog.mirror import moments, pace
from sightlog.mirror.windows import Window
from sightlog.profiles import Profile
from sightlog.transport import AGAIN, Options, Retries, Transport, refusal

MOST_ROWS = 100_000
"""The document's bound of one export, and the `limit` of ours: a file of as many rows may lack some."""

MOST_ITEMS = 1000
"""The document's bound of one page."""

PATIENT = Options(retries=Retries(tries=10, total=1800, statuses=AGAIN | {500}))


class Expired(SightlogError):
    """The download URL does not hold any more; a new one is to be asked for."""


@dataclass(frozen=True)
class Listed:
    """A page of the list, and what was told of all that match: `statistics` is empty where nothing was."""

    items: list[Any]
    total: int
    statistics: Mapping[str, Any]
    at: datetime
    """The other side's time when it answered."""
    bytes: int = 0

    @property
    def days(self) -> list[tuple[date, int]]:
        """How many results each day has, in order; the days that were told."""
        return sorted((date.fromisoformat(day), count) for day, count in self.counts("daily_counts").items())

    def counts(self, name: str) -> dict[str, int]:
        """`daily_counts` by day, `source_distribution`, `confidence_distribution`; without what holds nothing."""
        told = self.statistics.get(name) or {}
        pairs = ((one["date"][:10], one["count"]) for one in told) if isinstance(told, list) else told.items()
        return {str(key): int(count) for key, count in pairs if count}


@dataclass(frozen=True)
class ExportState:
    id: str
    status: str
    record_count: int | None = None
    download_url: str | None = None
    error_message: str | None = None


class Source:
    """`url` is that of the API (`https://host/api/v2/data`); exports are asked for with `export_rows` as their limit,
    and pages of `page_rows`. `close` ends its connections.
    """

    def __init__(
        self,
        url: str,
        api_key: str,
        options: Options = PATIENT,
        paced: pace.Pace | None = None,
        *,
        export_rows: int = MOST_ROWS,
        page_rows: int = MOST_ITEMS,
    ) -> None:
        address = urlsplit(url)
        if address.scheme not in ("http", "https") or not address.hostname or address.query or address.fragment:
            raise InvalidInput(f"{url} is no URL of the API: it should be like https://host/api/v2/data.", field="from")
        self.url = url.rstrip("/")
        self.export_rows = export_rows
        self.page_rows = page_rows
        self._transport = Transport(Profile(self.url, api_key), options)
        paced = paced or pace.Pace()
        self._transport.http.event_hooks = {"request": [paced.before], "response": [paced.after]}
        # Download URLs are signed and often of another host: the key is not for them.
        self._files = httpx.Client(timeout=options.timeout, follow_redirects=True)

    def close(self) -> None:
        self._transport.close()
        self._files.close()

    def listed(self, window: Window, *, offset: int = 0, limit: int = 1) -> Listed:
        """A page of the results in the window, and how many there are."""
        bounds = {"start_date": window.begin, "end_date": window.end}
        query = {name: moments.text(moment) for name, moment in bounds.items() if moment}
        try:
            answer = self._transport.request("GET", "/descriptions", params={**query, "offset": offset, "limit": limit})
        except NotSignedIn as error:
            raise NotSignedIn(f"{self.url} does not take its key: {error.message}") from error
        except NotFound as error:
            raise InvalidInput(
                f"{self.url} has no list of results: the URL should be like https://host/api/v2/data.", field="from"
            ) from error
        told = _object(answer)
        try:
            at = datetime.fromtimestamp(pace.now(answer), timezone.utc)
            listed = Listed(
                list(told["items"]), int(told["total_count"]), told.get("statistics") or {}, at, len(answer.content)
            )
            _ = listed.days, listed.counts("source_distribution"), listed.counts("confidence_distribution")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise _not_documented(answer) from error
        return listed

    def pages(self, window: Window) -> Iterator[tuple[Listed, bool]]:
        """All of the window, page by page. Each but the first begins with the last item of the one before, which is
        left out; False where it does not, as something was recorded or deleted meanwhile that moved the others.
        """
        offset, last = 0, None
        while True:
            joint = int(last is not None and self.page_rows > 1)
            try:
                page = self.listed(window, offset=offset - joint, limit=self.page_rows)
            except TooLarge:
                if self.page_rows == 1:
                    raise
                self.page_rows = max(1, self.page_rows // 4)
                continue
            fits = not joint or (page.items[:1] == [last])
            items = page.items[joint:] if fits else page.items
            yield replace(page, items=items), fits
            offset += len(page.items) - joint
            if not items or offset >= page.total:
                return
            last = items[-1]

    def start_export(self, window: Window, *, include_failed: bool = True) -> ExportState:
        """Starts an export of all that the window has. Where exports are refused, SightlogError says why."""
        bounds = {"start_date": window.begin, "end_date": window.end}
        body = {
            "data_type": "descriptions",
            "format": "jsonl",
            **{name: moments.text(moment) for name, moment in bounds.items() if moment},
            "include_metadata": True,
            "include_failed": include_failed,
            "limit": self.export_rows,
        }
        return _state(self._transport.request("POST", "/export", json=body))

    def export(self, id: str) -> ExportState:
        return _state(self._transport.request("GET", f"/export/{quote(id, safe='')}"))

    def download(self, url: str, file: IO[bytes], most_bytes: int) -> None:
        """Puts the file behind a download URL into an empty one. Expired where the URL does not hold any more,
        Unavailable where it broke off, TooLarge where it is larger than that.
        """
        try:
            with self._files.stream("GET", self._transport.http.base_url.join(url)) as answer:
                if answer.status_code in (400, 401, 403, 404, 410):
                    raise Expired(f"The download URL answered {answer.status_code}.")
                if not answer.is_success:
                    answer.read()
                    raise refusal(answer) if answer.status_code not in AGAIN else Unavailable(str(refusal(answer)))
                for block in answer.iter_bytes(1 << 18):
                    if file.tell() + len(block) > most_bytes:
                        raise TooLarge(f"The file of an export is larger than {most_bytes} bytes.")
                    file.write(block)
        except (httpx.RequestError, httpx.InvalidURL) as broken:
            raise Unavailable(f"A download broke off: {str(broken) or type(broken).__name__}") from broken


def _state(answer: httpx.Response) -> ExportState:
    told = _object(answer)
    try:
        count = told.get("record_count")
        return ExportState(
            str(told["export_id"]),
            str(told["status"]),
            None if count is None else int(count),
            told.get("download_url"),
            told.get("error_message"),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise _not_documented(answer) from error


def _object(answer: httpx.Response) -> dict[str, Any]:
    try:
        told = json.loads(answer.content)
    except (ValueError, RecursionError) as error:
        raise _not_documented(answer) from error
    if not isinstance(told, dict):
        raise _not_documented(answer)
    return told


def _not_documented(answer: httpx.Response) -> ServerFailed:
    url = str(answer.url).split("?")[0]
    return ServerFailed(
        f"{url} did not answer as documented; is the URL that of the API, like https://host/api/v2/data?",
        request_id=answer.headers.get("X-Request-ID"),
    )
