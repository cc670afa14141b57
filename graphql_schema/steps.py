"""What happens around the execution of each operation."""

from collections.abc import AsyncIterator

from strawberry.extensions import SchemaExtension

from app import metrics
from graphql_schema import documents, variables


def refused() -> None:
    """Puts an operation into the metrics that never came to a step."""
    metrics.GRAPHQL_OPERATIONS.labels("unknown", "refused").inc()


class Steps(SchemaExtension):
    """Parses and validates from a cache, and puts the operation into the metrics when it ends. In one place, since
    Strawberry makes a stack of context managers for each.
    """

    async def on_operation(self) -> AsyncIterator[None]:
        given = self.execution_context
        documents.parse_given(given)
        if given.graphql_document is not None:
            documents.validate_given(given)
            if not given.pre_execution_errors:
                await variables.coerce(given)
        yield
        metrics.GRAPHQL_OPERATIONS.labels(self._type(), self._outcome()).inc()

    def _type(self) -> str:
        try:
            return self.execution_context.operation_type.value
        except RuntimeError:
            return "unknown"

    def _outcome(self) -> str:
        result = self.execution_context.result
        if result is None:
            return "refused"
        errors = result.errors or []
        if result.data is None and all(error.path is None for error in errors):
            return "refused"
        return "failed" if errors else "ok"
