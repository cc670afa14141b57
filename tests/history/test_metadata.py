"""Metadata is found by what lies at a path, of just that type, whatever the keys: as the model finds it."""

import json
import random
from typing import Any

import pytest

from app.history import filters
from app.history.metadata import MetadataCondition
from tests import model
from tests.conftest import Account

Dict = dict[str, Any]

KEYS = ["a", "b", "A", "a.b", 'q"', "'", "\\", "\\.", "$", "[0]", "0", "#", "%", "?", " ", "é", "e\u0301", "\n", "\x7f"]
KEYS += ["😀", "null", '"a"', "a b", "::", "\u2028", "x" * 100]
VALUES: list[Any] = [
    "1",
    1,
    1.0,
    True,
    False,
    "true",
    None,
    0,
    -0.0,
    0.0,
    "0",
    -1,
    1.5,
    "1.5",
    12,
    0.1,
    0.1 + 0.2,
    5e-324,
]
VALUES += [1e22, 10**22, 1e23, 10**23, int(1e23), 2**53, 2**53 + 1, float(2**53), 2**63, 2**64, 2**64 + 1, 1e15, 1e16]
VALUES += ["", " ", 'say "hi"', "back\\slash", "é", "e\u0301", "\n", "\x7f", "\u2028", "😀", "a.b", "null", "x" * 998]
OTHERS: list[Any] = [[], [1], ["1"], [{"b": 1}], {}]


def path(keys: list[str]) -> str:
    return ".".join(key.replace("\\", "\\\\").replace(".", "\\.") for key in keys)


def some(dice: random.Random, depth: int = 0) -> Dict:
    """An object with hard keys and values, and others like it below."""
    found: Dict = {}
    for key in dice.sample(KEYS, dice.randrange(1, 6)):
        below = depth < 2 and dice.random() < 0.4
        found[key] = some(dice, depth + 1) if below else dice.choice(VALUES * 4 + OTHERS)
    return found


def leaves(value: Any, keys: tuple[str, ...] = ()) -> list[tuple[list[str], Any]]:
    if not isinstance(value, dict):
        return [([*keys], value)]
    return [leaf for key, below in value.items() for leaf in leaves(below, (*keys, key))]


@pytest.mark.parametrize("seed", range(3))
def test_conditions_match_as_the_model_does(account: Account, seed: int) -> None:
    dice = random.Random(seed)
    results = [{"id": f"r{place:03}", "metadata": some(dice)} for place in range(150)]
    results += [{"id": f"v{place:03}", "metadata": {"a": {"b": value}}} for place, value in enumerate(VALUES + OTHERS)]
    account.record(*results)
    told = [leaf for result in results for leaf in leaves(result["metadata"])]
    asked = [[{"path": "a.b", "equals": value}] for value in VALUES if value is not None]
    for _ in range(180):
        keys, value = dice.choice(told)
        value = dice.choice(VALUES) if dice.random() < 0.3 or not isinstance(value, str | int | float) else value
        one = {"path": path(keys), "equals": "none" if value is None else value}
        other = {"path": path(dice.choice(told)[0]), "equals": dice.choice(("1", 1, True))}
        asked.append([one, other] if dice.random() < 0.1 else [one])
    hits = 0
    for start in range(0, len(asked), 30):
        given = {f"m{place}": conditions for place, conditions in enumerate(asked[start : start + 30])}
        fields = " ".join(f"{name}: descriptions(filter: {{metadata: ${name}}}) {{ nodes {{ id }} }}" for name in given)
        answer = account.graphql(
            f"query({' '.join(f'${name}: [MetadataCondition!]' for name in given)}) {{ {fields} }}", **given
        )
        for name, conditions in given.items():
            wanted = {
                result["id"] for result in results if all(model.has(result["metadata"], **one) for one in conditions)
            }
            hits += bool(wanted)
            assert {node["id"] for node in answer[name]["nodes"]} == wanted, conditions
    assert hits > 100


def test_a_condition_as_text_of_a_document(account: Account) -> None:
    account.record(
        {"id": "a", "metadata": {"model": "m1", "steps": 3}}, {"id": "b", "metadata": {"model": "m2", "steps": 3}}
    )
    both = '[{path: "model", equals: "m1"}, {path: "steps", equals: 3}]'
    query = f"{{ descriptions(filter: {{metadata: {both}}}) {{ nodes {{ id }} }} }}"
    assert account.graphql(query)["descriptions"]["nodes"] == [{"id": "a"}]
    unknown = '{ descriptions(filter: {metadata: [{path: "modell", equals: "m1"}]}) { nodes { id } totalCount } }'
    assert account.graphql(unknown)["descriptions"] == {"nodes": [], "totalCount": 0}
    for nothing in ("null", "[]"):
        assert account.graphql(f"{{ descriptions(filter: {{metadata: {nothing}}}) {{ totalCount }} }}") == {
            "descriptions": {"totalCount": 2}
        }


GRAMMAR = (
    "A path of metadata holds keys between dots, none of them empty, such as a.b; a dot or a backslash of a key has a "
    "backslash before it."
)
REFUSED: list[tuple[Any, str]] = [
    *(({"path": wrong, "equals": 1}, GRAMMAR) for wrong in ("", ".", "a.", ".a", "a..b", "a\\b", "\\", "a\\\\\\")),
    ({"path": "a" * 501, "equals": 1}, "A path of metadata has at most 500 characters."),
    ({"path": ".".join("a" * 21), "equals": 1}, "A path of metadata has at most 20 keys."),
    ({"path": "a\0", "equals": 1}, "A path of metadata holds a NUL character."),
    ({"path": "a", "equals": "\0"}, "A value of metadata holds a NUL character."),
    ({"path": "a", "equals": "x" * 999}, "A value of metadata has at most 1000 characters as JSON."),
    ({"path": "a", "equals": 10**1000}, "A value of metadata has at most 1000 characters as JSON."),
    ({"path": "a", "equals": []}, "Metadata is compared with a text, a number or a boolean."),
    ({"path": "a", "equals": {}}, "Metadata is compared with a text, a number or a boolean."),
]


@pytest.mark.parametrize(("condition", "message"), REFUSED, ids=range(len(REFUSED)))
def test_what_is_no_condition(account: Account, condition: Dict, message: str) -> None:
    query = "query($one: MetadataCondition!) { statistics(filter: {metadata: [$one]}) { totalCount } }"
    error = account.refused(query, one=condition)
    assert (error["message"], error["extensions"]["field"]) == (message, "metadata")


def test_at_most_ten_conditions(account: Account) -> None:
    query = "query($all: [MetadataCondition!]) { statistics(filter: {metadata: $all}) { totalCount } }"
    conditions = [{"path": f"a{place}", "equals": place} for place in range(11)]
    assert account.graphql(query, all=conditions[:10]) == {"statistics": {"totalCount": 0}}
    error = account.refused(query, all=conditions)
    assert error["message"] == "At most 10 conditions on metadata may be given."


def test_values_of_one_text_are_told_apart(account: Account) -> None:
    """Also by what is remembered of statistics: in Python 1 is True."""
    account.record(
        *({"id": f"r{place}", "metadata": {"a": value}} for place, value in enumerate((1, 1, 1, True, "1", "1")))
    )
    query = 'query($is: JSON!) { statistics(filter: {metadata: [{path: "a", equals: $is}]}) { totalCount } }'
    for value, expected in ((1, 3), (True, 1), ("1", 2), (1.0, 3), (False, 0)) * 2:
        assert account.graphql(query, **{"is": value})["statistics"]["totalCount"] == expected


@pytest.mark.parametrize("equals", [1, 1.5, "1", True, "é\n", 10**22, 1e22, -0.0])
def test_a_condition_is_read_back_from_an_export(equals: Any) -> None:
    wanted = filters.of({"metadata": [MetadataCondition.of("a\\.b.c", equals)]})
    stored = json.loads(json.dumps(filters.to_json(wanted)))
    assert stored == {"metadata": [{"path": "a\\.b.c", "equals": equals}]}
    assert filters.from_json(stored) == wanted
