"""What happens around the execution of each operation."""

from contextlib import nullcontext
from types import TracebackType
from typing import Any

from strawberry.extensions.runner import SchemaExtensionsRunner
from strawberry.types import ExecutionContext

from app import metrics
from graphql_schema import documents, variables


class Steps(SchemaExtensionsRunner):
    """Our steps in the places of Strawberry's extensions, which take a stack of context managers for each place."""

    def operation(self) -> Any:
        return _Counted(self.execution_context)

    def parsing(self) -> Any:
        documents.parse_given(self.execution_context)
        return nullcontext()

    def validation(self) -> Any:
        documents.validate_given(self.execution_context)
        return nullcontext()

    def executing(self) -> Any:
        return variables.coerced(self.execution_context)

    def on_stream_result(self, result: object) -> Any:
        return nullcontext()


class _Counted:
    """Puts the operation into the metrics when it ends."""

    def __init__(self, given: ExecutionContext) -> None:
        self._given = given

    async def __aenter__(self) -> None:
        pass

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        metrics.GRAPHQL_OPERATIONS.labels(self._type(), self._outcome()).inc()

    def _type(self) -> str:
        try:
            return self._given.operation_type.value
        except RuntimeError:
            return "unknown"

    def _outcome(self) -> str:
        result = self._given.result
        if result is None:
            return "refused"
        errors = result.errors or []
        if result.data is None and all(error.path is None for error in errors):
            return "refused"
        return "failed" if errors else "ok"
