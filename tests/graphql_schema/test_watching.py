"""One look at the database serves all who watch exports in a process."""

import asyncio
import uuid
from collections import Counter
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from concurrent.futures import wait
from contextlib import aclosing
from typing import Any

import pytest

from app import auth, threads
from app.auth import Principal
from app.budgets import Budget
from app.errors import DeactivatedKey, SightlogError
from app.exports import watched
from app.limits import Limits
from app.models import ExportStatus, Scope
from app.runtime import Runtime, open_runtime
from app.settings import Settings
from graphql_schema import watching
from graphql_schema.context import Context
from graphql_schema.places import Places
from graphql_schema.resolvers import ExportState
from graphql_schema.watching import Watch
from tests.conftest import Account
from tests.graphql_schema.conftest import put_export
from tests.held import Held
from tools import patience

Look = Callable[[Any, Sequence[Any]], Any]


@pytest.fixture
def looks(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many exports each look was for. There is no pause between two."""
    found: list[int] = []
    look: Look = watched.progress

    def counted(session: Any, places: Sequence[Any]) -> Any:
        found.append(len(places))
        return look(session, places)

    monkeypatch.setattr(watched, "progress", counted)
    monkeypatch.setattr(watching, "INTERVAL", 0.01)
    monkeypatch.setattr(watching, "KEYS_INTERVAL", 0.0)
    return found


def run(account: Account, work: Callable[[Context, Watch], Awaitable[None]]) -> None:
    runtime: Runtime = open_runtime(Settings(database_url=account.stack.database_url))
    key = account.keys[Scope.READ][:17]
    context = Context(runtime, None, Principal(account.id, key, Scope.READ, Limits(), ""), Budget(0))  # type: ignore[arg-type]
    try:
        asyncio.run(asyncio.wait_for(_main(work, context), 60))
    finally:
        wait(
            set(threads._running), patience.seconds(30)
        )  # a look may be on its way: its connection is to be closed too
        runtime.close()


async def _main(work: Callable[[Context, Watch], Awaitable[None]], context: Context) -> None:
    await work(context, Watch(Places(1000, "subscriptions")))


def shown(state: ExportState) -> tuple[str, int]:
    return state.row.status, state.row.rows_written


def test_all_hear_of_one_look(account: Account, looks: list[int]) -> None:
    held = Held(account)
    pending = [uuid.UUID(put_export(account, ExportStatus.PENDING)) for _ in range(4)]

    async def work(context: Context, watch: Watch) -> None:
        many = [watch.states(context, uuid.UUID(held.id)) for _ in range(50)]
        others = [watch.states(context, id) for id in pending for _ in range(10)]
        first = [shown(await anext(states)) for states in (*many, *others)]
        assert Counter(first) == {("processing", 0): 50, ("pending", 0): 40}
        waiting = [asyncio.ensure_future(anext(states)) for states in (*many, *others)]
        while len(looks) < 3:
            await asyncio.sleep(0.01)
        assert {*looks} == {5}  # exports, however many watch each
        assert not any(task.done() for task in waiting)
        await asyncio.to_thread(held.move, 10, 100)
        assert {shown(state) for state in await asyncio.gather(*waiting[:50])} == {("processing", 10)}
        assert not any(task.done() for task in waiting[50:])
        last = [asyncio.ensure_future(_rest(states)) for states in many]
        await asyncio.to_thread(held.complete, 100)
        assert {tuple(rest) for rest in await asyncio.gather(*last)} == {(("completed", 100),)}
        for task, states in zip(waiting[50:], others, strict=True):
            task.cancel()
            await asyncio.wait([task])
            await states.aclose()
        before = len(looks)
        while watch.is_looking:
            await asyncio.sleep(0.01)
        assert len(looks) <= before + 1

    run(account, work)


async def _rest(states: AsyncGenerator[ExportState, None]) -> list[tuple[str, int]]:
    async with aclosing(states):
        return [shown(state) async for state in states]


def test_who_is_slow_hears_the_latest_alone(account: Account, looks: list[int]) -> None:
    held = Held(account)

    async def work(context: Context, watch: Watch) -> None:
        async with (
            aclosing(watch.states(context, uuid.UUID(held.id))) as slow,
            aclosing(watch.states(context, uuid.UUID(held.id))) as quick,
        ):
            assert shown(await anext(slow)) == shown(await anext(quick)) == ("processing", 0)
            waiting = asyncio.ensure_future(anext(slow))
            for rows in (1, 2, 3):
                await asyncio.to_thread(held.move, rows, 10)
                assert shown(await anext(quick)) == ("processing", rows)
                if rows == 1:
                    assert shown(await waiting) == ("processing", 1)
            assert shown(await anext(slow)) == ("processing", 3)

    run(account, work)


def test_a_key_that_is_revoked_hears_no_more_though_there_is_no_news(account: Account, looks: list[int]) -> None:
    id = uuid.UUID(put_export(account, ExportStatus.PENDING))

    def revoke() -> None:
        with account.database.write() as session:
            auth.revoke_key(session, account.keys[Scope.READ][:17])

    async def work(context: Context, watch: Watch) -> None:
        both = [watch.states(context, id), watch.states(context, id)]
        for states in both:
            await anext(states)
        waiting = [asyncio.ensure_future(anext(states)) for states in both]
        await asyncio.to_thread(revoke)
        told = await asyncio.gather(*waiting, return_exceptions=True)
        assert [(type(error), str(error)) for error in told] == [(DeactivatedKey, "The API key was deactivated.")] * 2

    run(account, work)


def test_a_database_that_does_not_answer_is_told(
    account: Account, looks: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    id = uuid.UUID(put_export(account, ExportStatus.PENDING))

    async def work(context: Context, watch: Watch) -> None:
        async with aclosing(watch.states(context, id)) as states:
            await anext(states)
            monkeypatch.setattr(watched, "progress", broken)
            with pytest.raises(SightlogError, match="no answer"):
                await anext(states)
        monkeypatch.undo()
        assert shown(await anext(watch.states(context, id))) == ("pending", 0)

    def broken(*_: object) -> None:
        raise SightlogError("no answer")

    run(account, work)
