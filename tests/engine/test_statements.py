"""What one account asks takes neither the database nor the threads from another, and ends when nobody waits for it."""

import asyncio
import os
import signal
import time
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from typing import Any, TypeVar

import pytest
from sqlalchemy import bindparam, func, literal, select, text

from app.engine import db, postgres, stops
from app.engine.db import Database
from app.engine.queries import Asking, Query
from app.errors import RateLimited, SightlogError, TooSlow, Unavailable
from tools.servers import Postgres

T = TypeVar("T")

ENDLESS = "WITH RECURSIVE n(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM n WHERE n < {rows}) SELECT max(n) FROM n"
MINE, ANOTHERS = 1, 2


def run(database: Database, work: Callable[[Database], Awaitable[T]], **options: Any) -> T:
    """On a database of its own, with the limits that a server has."""

    async def main() -> T:
        own = Database(database.url.render_as_string(hide_password=False), 8, asked=4, **options)
        try:
            return await work(own)
        finally:
            await own.close()
            own.dispose()

    return asyncio.run(main())


def one() -> Any:
    return select(bindparam("number"))


def ask_one(number: int = 7) -> Asking[int]:
    [(found,)] = yield Query("one", one, {"number": number})
    return int(found)


def endless(rows: int) -> Any:
    counted = select(literal(1).label("n")).cte("n", recursive=True)
    counted = counted.union_all(select(counted.c.n + 1).where(counted.c.n < rows))
    return select(func.max(counted.c.n))


def ask_endlessly() -> Asking[int]:
    """Would go on for minutes."""
    [(found,)] = yield Query("endless", lambda: endless(2_000_000_000), {})
    return int(found)


def read_endlessly(database: Database) -> Any:
    with database.read() as session:
        return session.connection().scalar(text(ENDLESS.format(rows=2_000_000_000)))


WAYS: list[Callable[[Database], Awaitable[Any]]] = [
    lambda own: own.answer(MINE, ask_endlessly()),
    lambda own: own.answer(MINE, ask_endlessly(), at_one_moment=True),
    lambda own: own.run(MINE, read_endlessly, own),
]
all_ways = pytest.mark.parametrize("way", WAYS, ids=["answer", "answer at one moment", "run"])


def running(database: Database) -> int:
    """Statements that PostgreSQL is still at; SQLite runs them in our threads."""
    if database.is_sqlite:
        return 0
    asked = text(
        "SELECT count(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%RECURSIVE%' "
        "AND pid <> pg_backend_pid() AND datname = current_database()"
    )
    with database.read() as session:
        return int(session.connection().scalar(asked) or 0)


async def settled(own: Database, database: Database) -> tuple[int, int]:
    """Once all that was given up has ended: an account with one turn gets it, and the server is at nothing."""
    return await own.answer(MINE, ask_one()), running(database)


@all_ways
def test_what_takes_too_long_is_ended_and_told(database: Database, way: Callable[[Database], Awaitable[Any]]) -> None:
    async def work(own: Database) -> tuple[SightlogError, tuple[int, int]]:
        with pytest.raises(TooSlow) as told:
            await way(own)
        return told.value, await settled(own, database)

    told, after = run(database, work, timeout=0.3, turns=1)
    assert (told.code, told.status) == ("QUERY_TIMEOUT", 422)
    assert told.message == (
        "The database worked on this for too long and gave up: ask for less, such as fewer days or search terms."
    )
    assert after == (7, 0)


@all_ways
def test_what_nobody_waits_for_any_more_is_ended(database: Database, way: Callable[[Database], Awaitable[Any]]) -> None:
    async def work(own: Database) -> tuple[int, int]:
        asked = asyncio.ensure_future(way(own))
        await asyncio.sleep(0.2)
        asked.cancel()
        with pytest.raises(asyncio.CancelledError):
            await asked
        return await settled(own, database)

    assert run(database, work, timeout=60, turns=1) == (7, 0)


def test_a_session_without_a_request_may_take_longer(database: Database) -> None:
    async def work(own: Database) -> Any:
        with own.read() as session:
            return session.connection().scalar(text(ENDLESS.format(rows=200_000)))

    assert run(database, work, timeout=0.001) == 200_000


async def give_up(asked: "Sequence[asyncio.Future[Any]]") -> None:
    for future in asked:
        future.cancel()
    await asyncio.gather(*asked, return_exceptions=True)


def test_an_account_that_asks_much_waits_for_itself(database: Database) -> None:
    """It has two turns at a time in all, however it asks; others, and what the process asks for itself, do not wait."""

    async def work(own: Database) -> tuple[bool, list[int]]:
        ways = [WAYS[place % 3] for place in range(30)]
        asked = [asyncio.ensure_future(way(own)) for way in ways]
        await asyncio.sleep(0.3)
        mine = asyncio.ensure_future(own.answer(MINE, ask_one(1)))
        found = [await own.answer(ANOTHERS, ask_one(2)), await own.answer(None, ask_one(3))]
        found.append(await own.run(ANOTHERS, own.answer_now, ask_one(4)))
        waits = not mine.done()
        await give_up(asked)
        return waits, [*found, await mine]

    assert run(database, work, timeout=60, turns=2) == (True, [2, 3, 4, 1])


def test_the_turn_that_does_not_come_is_told(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "_POOL_TIMEOUT", 0.2)

    async def work(own: Database) -> SightlogError:
        asked = [asyncio.ensure_future(own.answer(MINE, ask_endlessly()))]
        await asyncio.sleep(0.1)
        with pytest.raises(RateLimited) as told:
            await own.answer(MINE, ask_one())
        await give_up(asked)
        return told.value

    told = run(database, work, timeout=60, turns=1)
    assert (told.code, told.status, told.message) == (
        "RATE_LIMIT_ERROR",
        429,
        "Too many questions of your account are waiting for the database. Please ask fewer at a time.",
    )


def test_keys_are_found_while_every_connection_is_taken(database: Database) -> None:
    async def work(own: Database) -> list[int]:
        asked = [asyncio.ensure_future(own.answer(account, ask_endlessly())) for account in range(10)]
        await asyncio.sleep(0.3)
        began = time.monotonic()
        found = await asyncio.gather(*(own.answer(None, ask_one(number)) for number in range(20)))
        with own.peek() as session:
            found.append(session.connection().scalar(text("SELECT 20")))
        assert time.monotonic() - began < 10  # which waiting for a connection would take at least
        await give_up(asked)
        return found

    assert run(database, work, timeout=60, turns=1) == list(range(21))


def hang(database: Database, server: Postgres, stopped: list[int]) -> None:
    """Stops the server in the middle of a session."""
    assert server.process
    with database.read() as session:
        stopped += [server.process.pid, session.connection().scalar(text("SELECT pg_backend_pid()")) or 0]
        for pid in stopped:
            os.kill(pid, signal.SIGSTOP)
        session.connection().scalar(text("SELECT 1"))


@pytest.mark.xdist_group("servers")
def test_a_server_that_hangs_holds_no_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It heeds no request to end a statement, so that the connection is cut."""
    monkeypatch.setattr(stops, "GRACE", 0.2)
    monkeypatch.setattr(postgres, "GRACE", 0.2)

    async def main(server: Postgres) -> tuple[str, int, int]:
        own, stopped = Database(server.url, 8, timeout=1, turns=1), list[int]()
        try:
            with pytest.raises(Unavailable) as told:
                await own.run(MINE, hang, own, server, stopped)
            still = await own.run(MINE, int, "7")
        finally:
            for pid in stopped:
                os.kill(pid, signal.SIGCONT)
        again = await own.answer(MINE, ask_one())
        own.dispose()
        return str(told.value), still, again

    with Postgres(tmp_path / "postgres") as server:
        cause, *found = asyncio.run(main(server))
        assert cause == (
            f"The database (SIGHTLOG_DATABASE_URL: postgres at 127.0.0.1:{server.port} as sightlog) cannot be used: "
            "no answer within 1 seconds"
        )
    assert found == [7, 7]
