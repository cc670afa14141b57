"""What a resolver works with."""

from dataclasses import dataclass

from app.auth import Principal
from app.runtime import Runtime
from tasks.queue import Queue


@dataclass(frozen=True)
class Context:
    runtime: Runtime
    queue: Queue
    principal: Principal

    @property
    def account_id(self) -> int:
        return self.principal.account_id
