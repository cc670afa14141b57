"""What is asked past the sessions: of one moment where it is to be, and with connections that are given back."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import psycopg
import pytest
from sqlalchemy import bindparam, func, select

from app.engine import db
from app.engine.db import Database
from app.engine.queries import Asking, Query
from app.errors import SightlogError, Unavailable
from app.history import recording, rollup
from app.history.recording import Result
from app.history.statistics import Statistics
from app.settings import Settings
from graphql_schema import resolvers
from graphql_schema.context import Context
from graphql_schema.requests import AT_A_TIME, RequestContext, Shared
from graphql_schema.schema import schema
from tests.conftest import Account, only_servers

T = TypeVar("T")


def run(database: Database, work: Callable[[Database], Awaitable[T]], connections: int = 2) -> T:
    """On a database of its own; of two connections one is for what is asked."""

    async def main() -> T:
        own = Database(database.url.render_as_string(hide_password=False), connections, asked=connections // 2)
        try:
            return await work(own)
        finally:
            await own.close()
            own.dispose()

    return asyncio.run(main())


def ask(build: Callable[[], Any], **values: object) -> Asking[Any]:
    [(found,)] = yield Query(build.__name__, build, values)
    return found


def one() -> Any:
    return select(bindparam("number"))


def ask_one(number: int) -> Asking[int]:
    return ask(one, number=number)


def sleep() -> Any:
    return select(func.pg_sleep(bindparam("seconds")))


def backend() -> Any:
    return select(func.pg_backend_pid())


def no_table() -> Any:
    return select(func.no_such_function())


def is_another(account: Account, database: Database) -> Asking[bool]:
    """Whether the revision is another after somebody else has recorded."""
    before = yield from rollup.ask_revision(account.id)
    fresh = {"id": f"r{before}", "source_type": "single", "created_at": "2025-01-01T10:00:00Z"}
    with database.write() as session:
        recording.record(session, account.id, [Result.model_validate(fresh)])
    return before < (yield from rollup.ask_revision(account.id))


def test_each_query_sees_its_own_moment_unless_all_are_to_see_one(account: Account, database: Database) -> None:
    assert run(database, lambda own: own.answer(1, is_another(account, database))) is True
    assert run(database, lambda own: own.answer(1, is_another(account, database), at_one_moment=True)) is False
    assert database.answer_now(is_another(account, database)) is True
    assert database.answer_now(is_another(account, database), at_one_moment=True) is False
    with database.read() as session:
        assert database.answer_in(session, is_another(account, database)) is False


@pytest.mark.parametrize("at_one_moment", [False, True])
def test_an_asking_that_fails_leaves_its_connection_as_it_was(database: Database, at_one_moment: bool) -> None:
    def failing(error: Exception) -> Asking[int]:
        yield Query("one", one, {"number": 1})
        raise error

    async def work(own: Database) -> int:
        for error in (SightlogError("no"), ValueError("no")):
            with pytest.raises(type(error)):
                await own.answer(1, failing(error), at_one_moment=at_one_moment)
        with pytest.raises((psycopg.ProgrammingError, sqlite3.OperationalError)):
            await own.answer(1, ask(no_table), at_one_moment=at_one_moment)
        return await own.answer(1, ask_one(7))

    assert run(database, work) == 7


def test_what_is_not_asked_needs_no_connection() -> None:
    def nothing() -> Asking[int]:
        return 5
        yield

    unreachable = Database("postgresql+psycopg://nobody@127.0.0.1:1/none", asked=1)
    assert asyncio.run(unreachable.answer(1, nothing())) == 5
    with pytest.raises(Unavailable):
        asyncio.run(unreachable.answer(1, ask_one(1)))


def test_many_share_few_connections(database: Database) -> None:
    async def work(own: Database) -> list[int]:
        return await asyncio.gather(*(own.answer(1, ask_one(number)) for number in range(50)))

    assert run(database, work) == list(range(50))


@only_servers
def test_who_waits_for_a_connection_too_long_is_told(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(db, "_POOL_TIMEOUT", 0.05)

    async def work(own: Database) -> list[Any]:
        found = await asyncio.gather(
            own.answer(1, ask(sleep, seconds=0.3)), own.answer(1, ask_one(1)), return_exceptions=True
        )
        return [*found, await own.answer(1, ask_one(2))]

    _, waited, after = run(database, work)
    assert isinstance(waited, Unavailable)
    assert after == 2


@only_servers
def test_a_connection_that_broke_takes_the_others_with_it(database: Database) -> None:
    async def work(own: Database) -> tuple[set[int], set[int]]:
        asked = [own.answer(1, ask(backend)) for _ in range(3)]
        sleeping = [own.answer(1, ask(sleep, seconds=0.1)) for _ in range(3)]
        await asyncio.gather(*sleeping)
        before = set(await asyncio.gather(*asked))
        with database.engine.connect() as connection:
            for pid in before:
                connection.execute(select(func.pg_terminate_backend(pid)))
        with pytest.raises(Unavailable):
            await own.answer(1, ask_one(1))
        return before, set(await asyncio.gather(*(own.answer(1, ask(backend)) for _ in range(3))))

    before, after = run(database, work, connections=6)
    assert before
    assert not before & after


@only_servers
@pytest.mark.parametrize("at_one_moment", [False, True])
def test_who_gives_up_leaves_no_statement_behind(database: Database, at_one_moment: bool) -> None:
    async def work(own: Database) -> tuple[int, int]:
        first = await own.answer(1, ask(backend))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(own.answer(1, ask(sleep, seconds=30), at_one_moment=at_one_moment), 0.2)
        return first, await asyncio.wait_for(own.answer(1, ask(backend)), 5)

    first, then = run(database, work)
    assert first == then


def test_the_aliases_of_one_request_take_turns(monkeypatch: pytest.MonkeyPatch) -> None:
    running, seen = 0, []

    async def statistics(*_: object, **__: object) -> Statistics:
        nonlocal running
        running += 1
        seen.append(running)
        await asyncio.sleep(0.001)
        running -= 1
        return Statistics()

    monkeypatch.setattr(resolvers, "statistics", statistics)
    fields = " ".join(f"s{number}: statistics {{ totalCount }}" for number in range(20))

    async def main() -> Any:
        context = RequestContext(Shared.of(Settings()))
        context.core = Context(None, None, None, None)  # type: ignore[arg-type]
        return await schema.execute(f"{{ {fields} }}", context_value=context)

    result = asyncio.run(main())
    assert result.data == {f"s{number}": {"totalCount": 0} for number in range(20)}
    assert (len(seen), max(seen)) == (20, AT_A_TIME)
