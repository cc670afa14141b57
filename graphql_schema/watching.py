"""Exports that are watched: one look at the database serves all who watch, in this process."""

import asyncio
import logging
import time
import uuid
from collections import defaultdict
from collections.abc import AsyncGenerator, Collection, Sequence
from copy import copy
from functools import partial

from app import auth, sessions, threads
from app.engine.db import Database
from app.errors import SightlogError
from app.exports import watched
from app.exports.watched import Place, Progress
from app.models import ExportStatus
from app.runtime import Runtime
from graphql_schema import resolvers
from graphql_schema.context import Context
from graphql_schema.places import Places
from graphql_schema.resolvers import ExportState

log = logging.getLogger(__name__)

INTERVAL = 0.25
"""Seconds between two looks."""

KEYS_INTERVAL = 3.0
"""Seconds after which the keys are looked at although there is no news; before news is told they always are."""

TOLD_AT_ONCE = 5
PAUSE = 0.01
"""Seconds after each that many who are told, in which others' requests go on."""

_threads = threads.Pool(2, "watch")
"""Few, so that a thousand who begin to watch at once leave the database to others."""

_ENDED = {ExportStatus.COMPLETED, ExportStatus.FAILED, ExportStatus.CANCELLED}

News = ExportState | SightlogError


class Watch:
    def __init__(self, places: Places) -> None:
        self._places = places
        self._watchers: dict[Place, set[_Watcher]] = defaultdict(set)
        self._looking: asyncio.Task[None] | None = None
        self._reading: dict[Place, asyncio.Task[ExportState]] = {}

    async def states(self, context: Context, id: uuid.UUID) -> AsyncGenerator[ExportState, None]:
        """An export now and whenever it got further, until it ended. SightlogError where it, or the key, is gone."""
        place, watcher = (context.account_id, id), _Watcher(context)
        with self._places.one(context.principal.key_prefix):
            self._watchers[place].add(watcher)
            try:
                state = await self._read(context, place)
                watcher.told = watched.progress_of(state.row)
                yield state
                while state.row.status not in _ENDED:
                    self._look(context.runtime)
                    state = await watcher.news()
                    yield state
            finally:
                self._watchers[place].discard(watcher)
                if not self._watchers[place]:
                    del self._watchers[place]

    async def _read(self, context: Context, place: Place) -> ExportState:
        """Once for all who begin to watch it while it is read."""
        if place not in self._reading:
            self._reading[place] = asyncio.create_task(_threads.run(resolvers.export, context, place[1]))
            self._reading[place].add_done_callback(partial(self._has_read, place))
        return await asyncio.shield(self._reading[place])

    def _has_read(self, place: Place, reading: asyncio.Task[ExportState]) -> None:
        del self._reading[place]
        reading.exception()  # all who wait for it may have left, and then it is nobody's

    @property
    def is_looking(self) -> bool:
        return self._looking is not None and not self._looking.done()

    def _look(self, runtime: Runtime) -> None:
        if not self.is_looking:
            self._looking = asyncio.create_task(self._look_again_and_again(runtime))

    async def _look_again_and_again(self, runtime: Runtime) -> None:
        keys_at = time.monotonic()
        while self._watchers:
            await asyncio.sleep(INTERVAL)
            try:
                behind = self._behind(await _threads.run(_progress, runtime.database, list(self._watchers)))
                if behind or time.monotonic() > keys_at + KEYS_INTERVAL:
                    keys_at = time.monotonic()
                    await self._refuse(runtime)
                for place in behind:
                    await self._tell(place)
            except SightlogError as error:
                await _tell(self._all(), error)
            except Exception:
                log.exception("looking at exports failed")
                await _tell(self._all(), SightlogError("Something went wrong on our side."))

    def _behind(self, found: dict[Place, Progress]) -> list[Place]:
        """Those of which somebody has not heard the latest."""
        return [
            place
            for place, watchers in self._watchers.items()
            if any(watcher.told not in (None, found.get(place)) for watcher in watchers)
        ]

    async def _refuse(self, runtime: Runtime) -> None:
        """Those whose keys no longer work, or whose sessions have ended."""
        everybody = self._all()
        keys = sorted({watcher.key for watcher in everybody})
        found = sorted({watcher.session for watcher in everybody if watcher.session is not None})
        refused = await _threads.run(_refusals, runtime, keys, found)
        for opener, error in refused.items():
            await _tell([watcher for watcher in everybody if opener in (watcher.key, watcher.session)], error)

    async def _tell(self, place: Place) -> None:
        watchers = [watcher for watcher in self._watchers.get(place, ()) if watcher.told is not None]
        if not watchers:
            return
        try:
            news: News = await _threads.run(resolvers.export, watchers[0].context, place[1])
        except SightlogError as error:
            news = error
        await _tell(watchers, news)

    def _all(self) -> list["_Watcher"]:
        return [watcher for watchers in self._watchers.values() for watcher in watchers]


class _Watcher:
    """Who watches one export. Who is slow hears the latest alone."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self.key = context.principal.key_prefix
        self.session = context.principal.session
        self.told: Progress | None = None
        self._news: News | None = None
        self._is_there = asyncio.Event()

    def tell(self, news: News) -> None:
        if isinstance(self._news, SightlogError):
            return
        if isinstance(news, ExportState):
            self.told = watched.progress_of(news.row)
        self._news = news
        self._is_there.set()

    async def news(self) -> ExportState:
        await self._is_there.wait()
        self._is_there.clear()
        news, self._news = self._news, None
        if isinstance(news, SightlogError):
            raise copy(news)  # each has its own traceback
        assert news is not None
        return news


async def _tell(watchers: Sequence[_Watcher], news: News) -> None:
    for place, watcher in enumerate(watchers, 1):
        watcher.tell(news)
        if place % TOLD_AT_ONCE == 0:
            await asyncio.sleep(PAUSE)


def _progress(database: Database, places: Sequence[Place]) -> dict[Place, Progress]:
    with database.read() as session:
        return watched.progress(session, places)


def _refusals(runtime: Runtime, keys: Collection[str], found: Collection[str]) -> dict[str, SightlogError]:
    """By the beginning of a key, or the hash of a session's token; of a session with a bad key first the key's."""
    with runtime.database.read() as session:
        return {
            **auth.refusals(session, keys),
            **sessions.refusals(session, found, runtime.settings.session_idle),
        }
