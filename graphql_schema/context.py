"""What a resolver works with."""

from dataclasses import dataclass
from typing import Self

from starlette.requests import HTTPConnection

from app.auth import Principal
from app.http import gate
from app.runtime import Runtime
from tasks.queue import Queue


@dataclass(frozen=True)
class Context:
    runtime: Runtime
    queue: Queue
    principal: Principal

    @classmethod
    def of(cls, connection: HTTPConnection, principal: Principal) -> Self:
        """For a caller who was let in."""
        return cls(gate.runtime_of(connection), connection.app.state.queue, principal)

    @property
    def account_id(self) -> int:
        return self.principal.account_id
