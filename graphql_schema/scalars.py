"""Scalars that GraphQL itself does not know, and `DateTime` as the contract reads and prints it."""

from datetime import date, datetime
from typing import NewType

import strawberry
from strawberry.types.scalar import ScalarDefinition

from app import times

BigInt = NewType("BigInt", int)


SCALARS: dict[object, ScalarDefinition] = {
    datetime: strawberry.scalar(
        name="DateTime",
        description="A moment in UTC, ISO 8601: `2025-01-15T10:30:00Z`. On the way in any offset is understood, "
        "a time without one is UTC, and a bare date is its midnight.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339",
        serialize=times.iso,
        parse_value=times.parse,
    ),
    date: strawberry.scalar(
        name="Date",
        description="A day: `2025-01-15`.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc3339#section-5.6",
        serialize=date.isoformat,
        parse_value=date.fromisoformat,
    ),
    BigInt: strawberry.scalar(
        name="BigInt",
        description="An integer that may exceed 32 bits, as a JSON number; none of ours exceeds 53.",
        specified_by_url="https://www.rfc-editor.org/rfc/rfc8259#section-6",
        serialize=int,
        parse_value=int,
    ),
}
