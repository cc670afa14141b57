"""What a resolver works with."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ParamSpec, Self, TypeVar

from starlette.requests import HTTPConnection

from app.auth import Principal
from app.budgets import Budget
from app.http import gate
from app.runtime import Runtime
from tasks.queue import Queue

P = ParamSpec("P")
T = TypeVar("T")


@dataclass(frozen=True)
class Context:
    runtime: Runtime
    queue: Queue
    principal: Principal
    budget: Budget

    @classmethod
    def of(cls, connection: HTTPConnection, principal: Principal) -> Self:
        """For a caller who was let in."""
        runtime = gate.runtime_of(connection)
        return cls(runtime, connection.app.state.queue, principal, Budget(runtime.settings.max_answer_bytes))

    async def run(self, resolve: Callable[P, T], *args: P.args, **kwargs: P.kwargs) -> T:
        """Calls a resolver that blocks, see `Database.run`."""
        return await self.runtime.database.run(self.account_id, resolve, *args, **kwargs)

    @property
    def account_id(self) -> int:
        return self.principal.account_id
