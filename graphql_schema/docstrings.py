"""Docstrings of types, inputs and resolvers become the schema's descriptions."""

import inspect

from strawberry.types.base import get_object_definition


def describe(*candidates: object) -> None:
    """Those among the candidates that are types of the schema take their docstrings, and so do their fields."""
    for candidate in candidates:
        definition = get_object_definition(candidate) if isinstance(candidate, type) else None
        if definition is None:
            continue
        definition.description = definition.description or _docstring(candidate)
        for field in definition.fields:
            if field.base_resolver is not None and field.description is None:
                field.description = _docstring(field.base_resolver.wrapped_func)


def _docstring(of: object) -> str | None:
    text = inspect.getdoc(of)
    is_made_by_dataclass = isinstance(of, type) and text is not None and text.startswith(f"{of.__name__}(")
    return None if is_made_by_dataclass else text
