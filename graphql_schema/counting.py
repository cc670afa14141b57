"""Operations in the metrics."""

from collections.abc import Iterator

from strawberry.extensions import SchemaExtension

from app import metrics


class Counting(SchemaExtension):
    def on_operation(self) -> Iterator[None]:
        try:
            yield
        finally:
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
