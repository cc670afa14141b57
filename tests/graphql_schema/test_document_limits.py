"""How large a document may be."""

import pytest

from tests.conftest import Account


def test_thirty_aliases(filtered: Account) -> None:
    def aliased(count: int) -> str:
        return "{" + " ".join(f"a{n}: __typename" for n in range(count)) + "}"

    assert len(filtered.graphql(aliased(30))) == 30
    assert filtered.refused(aliased(31))["message"] == "A document may have 30 aliases; this one has 31."


def test_the_aliases_of_a_fragment_count_wherever_it_is_spread(filtered: Account) -> None:
    def spread(times: int) -> str:
        fields = " ".join(f"s{n}: statistics {{ ...Ten }}" for n in range(times))
        aliases = " ".join(f"a{n}: totalCount" for n in range(10))
        return f"{{ {fields} }} fragment Ten on Statistics {{ {aliases} }}"

    assert len(filtered.graphql(spread(2))["s1"]) == 10
    assert filtered.refused(spread(3))["message"] == "A document may have 30 aliases; this one has 33."


def test_ten_thousand_tokens(filtered: Account) -> None:
    """Such a document without its end is refused for that, and one token more for the limit."""
    assert filtered.refused("{ a" + " a" * 9_998)["message"] == "Syntax Error: Expected Name, found <EOF>."
    limited = "Syntax Error: Document contains more than 10000 tokens. Parsing aborted."
    assert filtered.refused("{ a" + " a" * 9_999)["message"] == limited


@pytest.mark.parametrize("alias", ["", "a: "])
def test_fragments_that_double_each_other_cost_nothing(account: Account, alias: str) -> None:
    fragments = "".join(f"fragment F{n} on Query {{ ...F{n + 1} ...F{n + 1} }} " for n in range(40))
    query = f"{{ ...F0 }} {fragments} fragment F40 on Query {{ {alias}statistics {{ totalCount }} }}"
    if alias:
        assert account.refused(query)["message"] == f"A document may have 30 aliases; this one has {2**40}."
    else:
        assert account.graphql(query) == {"statistics": {"totalCount": 0}}
    below = fragments.replace("on Query", "on DescriptionConnection")
    query = f"{{ descriptions {{ ...F0 }} }} {below} fragment F40 on DescriptionConnection {{ totalCount }}"
    assert account.graphql(query) == {"descriptions": {"totalCount": 0}}


@pytest.mark.parametrize(
    "query",
    ["{ a " * 2000 + "}" * 2000, "{ ... " * 2000 + "}" * 2000, "{ a(b: " + "[" * 2000 + "]" * 2000 + ") }"],
    ids=["fields", "fragments", "values"],
)
def test_a_document_that_is_nested_deeply_is_refused(filtered: Account, query: str) -> None:
    assert filtered.refused(query)["message"] == "Syntax Error: Document is nested too deeply. Parsing aborted."


def test_a_long_chain_of_fragments_is_refused(filtered: Account) -> None:
    chain = "".join(f"fragment F{n} on Query {{ ...F{n + 1} }} " for n in range(300))
    query = f"{{ ...F0 }} {chain} fragment F300 on Query {{ __typename }}"
    told = "A document may repeat fields and spread fragments 100 times, not 301."
    assert filtered.refused(query)["message"] == told


@pytest.mark.parametrize("repeated", ["descriptions { totalCount } ", "... { __typename } "])
def test_a_document_may_not_repeat_itself_without_end(filtered: Account, repeated: str) -> None:
    told = "A document may repeat fields and spread fragments 100 times, not "
    assert filtered.refused("{" + repeated * 300 + "}")["message"].startswith(told)
    assert "data" in filtered.client.post("/graphql", json={"query": "{" + repeated * 90 + "}"}).json()


def test_fragments_in_a_circle_are_refused(filtered: Account) -> None:
    query = "{ ...A } fragment A on Query { x: __typename ...B } fragment B on Query { ...A }"
    assert filtered.refused(query)["message"].startswith("Cannot spread fragment 'A' within itself")
