"""Our executor answers as the stock one does: data, errors, paths and the order of keys."""

import asyncio
import enum
import json
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import pytest
import strawberry
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from strawberry.extensions import DisableValidation, SchemaExtension
from strawberry.scalars import JSON
from strawberry.schema.config import StrawberryConfig
from strawberry.types import ExecutionResult

from graphql_schema.executor import Executor
from graphql_schema.scalars import SCALARS


@strawberry.enum
class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@strawberry.type
class Part:
    name: str
    size: int | None
    weights: list[float]


@strawberry.type
class Thing:
    id: strawberry.ID
    text: str
    maybe_text: str | None
    number: int
    maybe_number: int | None
    ratio: float
    maybe_ratio: float | None
    flag: bool
    moment: datetime
    maybe_moment: datetime | None
    colour: Colour
    maybe_colour: Colour | None
    anything: JSON | None
    words: list[str]
    maybe_words: list[str | None] | None
    part: Part
    maybe_part: Part | None
    parts: list[Part | None]

    @strawberry.field
    def shouted(self, times: int = 1) -> str:
        return "!" * times


@strawberry.type
class Query:
    @strawberry.field
    def things(self, info: strawberry.Info) -> list[Thing]:
        return info.context["things"]  # type: ignore[no-any-return]

    @strawberry.field
    def maybe_things(self, info: strawberry.Info) -> list[Thing | None] | None:
        return info.context["things"]  # type: ignore[no-any-return]

    @strawberry.field
    def groups(self, info: strawberry.Info) -> list[list[Thing]]:
        return [info.context["things"], []]


def schema(**options: Any) -> strawberry.Schema:
    return strawberry.Schema(query=Query, config=StrawberryConfig(scalar_map=SCALARS), **options)


# Unvalidated, since most generated queries would be refused, for an unused fragment or two meanings of an alias.
stock = schema(extensions=[DisableValidation])
ours = schema(extensions=[DisableValidation], execution_context_class=Executor)


@dataclass
class Source:
    values: dict[str, Any] = field(default_factory=dict)

    def __getattr__(self, name: str) -> Any:
        values = self.__dict__["values"]
        if name not in values:
            raise AttributeError(name)
        return values[name]


async def _late(value: Any) -> Any:
    return value


class Word(str):
    __slots__ = ()


class Strange:
    def __repr__(self) -> str:
        return "strange"


PLAIN: dict[str, list[Any]] = {
    "id": ["a", "é"],
    "text": ["", "text"],
    "maybe_text": ["text", None],
    "number": [0, -5],
    "maybe_number": [1, None],
    "ratio": [0.5, 1.0],
    "maybe_ratio": [0.25, None],
    "flag": [True, False],
    "moment": [datetime(2025, 1, 15, 10, 30, tzinfo=UTC)],
    "maybe_moment": [datetime(2025, 1, 15, 10, 30, 0, 5, tzinfo=UTC), None],
    "colour": [Colour.RED],
    "maybe_colour": [Colour.BLUE, None],
    "anything": [{"a": [1, None]}, [], "x", 1.5, None],
    "words": [[], ["a", "b"], ("c",)],
    "maybe_words": [None, ["a", None]],
    "part": [Source({"name": "p", "size": 1, "weights": [0.1]})],
    "maybe_part": [None, Source({"name": "p", "size": None, "weights": []})],
    "parts": [[], [None, Source({"name": "p", "size": 2, "weights": [0.5, 2.0]})]],
}
ODD: list[Any] = [
    None, True, 7, 2**31, -(2**31) - 1, 2**70, 1.5, float("nan"), float("inf"), "12", "word", Word("w"), b"bytes",
    [], ["a", None], {}, (), ValueError("held"), Colour.RED, "red", datetime(2025, 1, 1, tzinfo=UTC), Strange(), _late,
    range(2), {"a"}, Source({"name": None, "size": "x", "weights": None}), Source(),
]  # fmt: skip


def source(dice: random.Random, odd_share: float) -> Any:
    if dice.random() < odd_share / 4:
        return dice.choice([None, ValueError("thing"), Source()])
    values: dict[str, Any] = {}
    for name, choices in PLAIN.items():
        values[name] = dice.choice(choices)
        if dice.random() < odd_share:
            odd = dice.choice(ODD)
            values[name] = odd("late") if odd is _late else odd
    return Source(values)


LEAVES = ["id", "text", "maybeText", "number", "maybeNumber", "ratio", "maybeRatio", "flag", "moment", "maybeMoment"]
LEAVES += ["colour", "maybeColour", "anything", "words", "maybeWords", "__typename"]
PARTS = ["part", "maybePart", "parts"]
CONDITIONS = ["", "", "", " @skip(if: $yes)", " @skip(if: $no)", " @include(if: $yes)", " @include(if: $no)"]

selection = st.recursive(
    st.tuples(st.sampled_from(LEAVES), st.sampled_from(["", "one: ", "two: "]), st.sampled_from(CONDITIONS)).map(
        lambda parts: f"{parts[1]}{parts[0]}{parts[2]}"
    )
    | st.sampled_from(
        [f"{name} {{ name size again: size weights __typename }}" for name in PARTS]
        + ["part { name @skip(if: $yes) }", "...More", "shouted(times: 2)", "part { ...OfPart } part { size }"]
    ),
    lambda inner: st.tuples(st.lists(inner, min_size=1, max_size=4), st.sampled_from(CONDITIONS)).map(
        lambda parts: f"... on Thing{parts[1]} {{ {' '.join(parts[0])} }}"
    ),
    max_leaves=8,
)
FRAGMENTS = "fragment More on Thing { three: text part { weights } } fragment OfPart on Part { label: name }"


@settings(max_examples=250, deadline=None, suppress_health_check=list(HealthCheck))
@given(
    root=st.sampled_from(["things", "maybeThings", "groups"]),
    selections=st.lists(selection, min_size=1, max_size=8),
    seed=st.integers(0, 2**32),
    odd_share=st.sampled_from([0.0, 0.02, 0.1, 0.4]),
    size=st.integers(0, 8),
)
def test_any_query_is_answered_as_by_the_stock_executor(
    root: str, selections: list[str], seed: int, odd_share: float, size: int
) -> None:
    query = f"query($yes: Boolean!, $no: Boolean!) {{ {root} {{ {' '.join(selections)} }} }} {FRAGMENTS}"
    assert answer(ours, query, seed, odd_share, size) == answer(stock, query, seed, odd_share, size)


def answer(of: strawberry.Schema, query: str, seed: int, odd_share: float, size: int) -> Any:
    dice = random.Random(seed)
    things = [source(dice, odd_share) for _ in range(size)]
    result = run(of, query, things)
    for coroutine in _coroutines(things):
        coroutine.close()
    errors = [(error.message, error.path, error.locations, str(error.original_error)) for error in result.errors or []]
    return json.dumps(result.data, default=repr), sorted(map(repr, errors))


def run(of: strawberry.Schema, query: str, things: Iterable[Any]) -> ExecutionResult:
    context, variables = {"things": list(things)}, {"yes": True, "no": False}
    variables = {name: value for name, value in variables.items() if f"${name}:" in query}
    return asyncio.run(of.execute(query, context_value=context, variable_values=variables))


def _coroutines(things: Iterable[Any]) -> Iterable[Any]:
    for thing in things:
        values = thing.values if isinstance(thing, Source) else {}
        yield from (value for value in values.values() if asyncio.iscoroutine(value))


def test_plain_lists_do_not_take_the_stock_way(monkeypatch: pytest.MonkeyPatch) -> None:
    completed: list[Any] = []
    stock_way = Executor.__mro__[1].complete_list_item_value  # type: ignore[attr-defined]

    def watched(self: Any, item: Any, *rest: Any) -> Any:
        completed.append(item)
        return stock_way(self, item, *rest)

    monkeypatch.setattr(Executor, "complete_list_item_value", watched, raising=False)
    dice = random.Random(1)
    things = [source(dice, 0.0) for _ in range(50)]
    leaves = " ".join(LEAVES)
    plain = f"{{ things {{ {leaves} part {{ name weights }} maybePart {{ size }} parts {{ name }} }} }}"
    assert run(ours, plain, things).errors is None
    assert completed == []
    assert run(ours, "{ things { shouted } }", things).errors is None
    assert completed == things


def test_middleware_sees_every_field() -> None:
    class Watching(SchemaExtension):
        seen: list[str] = []

        def resolve(self, _next: Any, root: Any, info: Any, *args: Any, **kwargs: Any) -> Any:
            self.seen.append(info.field_name)
            return _next(root, info, *args, **kwargs)

    watched = schema(execution_context_class=Executor, extensions=[Watching])
    dice = random.Random(1)
    assert run(watched, "{ things { text } }", [source(dice, 0.0), source(dice, 0.0)]).errors is None
    assert Watching.seen == ["things", "text", "text"]
