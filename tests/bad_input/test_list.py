"""Bad parameters of the list."""

import pytest

from tests.bad_input.conftest import HUGE, LIST, assert_refused
from tests.conftest import Account


@pytest.mark.parametrize(
    ("query", "kind"),
    [
        ("limit=1e2", "int_parsing"),
        ("limit=0x10", "int_parsing"),
        ("limit=true", "int_parsing"),
        ("limit=None", "int_parsing"),
        ("limit=%D9%A1", "int_parsing"),
        ("limit=%00", "int_parsing"),
        ("limit=1000000000000000000", "less_than_equal"),
        ("limit=NaN", "int_parsing"),
        ("offset=1e3", "int_parsing"),
        ("offset=-1000000000000000000", "greater_than_equal"),
        ("offset=Infinity", "int_parsing"),
        ("offset=" + "9" * 5000, "int_parsing_size"),
        ("min_confidence=nan", "finite_number"),
        ("min_confidence=NaN", "finite_number"),
        ("min_confidence=inf", "finite_number"),
        ("min_confidence=-Infinity", "finite_number"),
        ("min_confidence=1e400", "finite_number"),
        ("max_confidence=nan", "finite_number"),
        ("max_confidence=" + HUGE, "finite_number"),
        ("max_confidence=true", "float_parsing"),
        ("max_confidence=0,8", "float_parsing"),
        ("max_confidence=", "float_parsing"),
        ("start_date=0000-01-01", "datetime_parsing"),
        ("start_date=10000-01-01", "datetime_parsing"),
        ("start_date=-2025-01-01", "datetime_parsing"),
        ("start_date=9999-12-31T23:59:59-23:59", "datetime_parsing"),
        ("end_date=0001-01-01T00:00:00%2B23:59", "datetime_parsing"),
        ("end_date=2025-13-01", "datetime_parsing"),
        ("end_date=1735689600", "datetime_parsing"),
        ("end_date=NaN", "datetime_parsing"),
        ("end_date=2025-01-01%00", "datetime_parsing"),
        ("search=%00", "search_terms"),
        ("search=fine,a%00b", "search_terms"),
        ("search=" + "x" * 1001, "search_terms"),
        ("search=" + "x" * 60_000, "search_terms"),
        ("search=" + ",".join(map(str, range(51))), "search_terms"),
        ("source_types=%00", "source_types"),
        ("source_types=" + ",".join(map(str, range(1001))), "source_types"),
    ],
    ids=lambda value: value[:30],
)
def test_a_bad_parameter_of_the_list(victim: Account, query: str, kind: str) -> None:
    assert_refused(victim.client.get(f"{LIST}?{query}"), ["query", query.partition("=")[0]], kind)


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ("start_date=2025-02-01&end_date=2025-01-31", "start_date"),
        ("start_date=2025-01-01T00:00:00.000001Z&end_date=2025-01-01", "start_date"),
        ("min_confidence=0.9&max_confidence=0.1", "min_confidence"),
        ("search=%ED%A0%80", None),
        ("search=%ff", None),
        ("source_types=caf%e9", None),
        ("start_date=2025-01-01%80", None),
    ],
)
def test_bad_parameters_of_the_list_together(victim: Account, query: str, field: str | None) -> None:
    assert_refused(victim.client.get(f"{LIST}?{query}"), field, "VALIDATION_ERROR")


def test_several_bad_parameters_are_all_named(victim: Account) -> None:
    detail = victim.client.get(f"{LIST}?limit=x&offset=y&min_confidence=nan&start_date=z").json()["detail"]
    places = [found["loc"][1] for found in detail]
    assert places == ["start_date", "min_confidence", "offset", "limit"]
