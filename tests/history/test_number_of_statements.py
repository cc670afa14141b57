"""How many statements an answer takes: as many with one result as with a hundred."""

import asyncio
from typing import Any

import pytest

from app.budgets import Budget
from app.engine.texts import Texts
from app.history import columns, images, pages, recording
from app.history.filters import DescriptionFilter
from app.history.orders import DescriptionOrderField, Order, SortDirection
from app.history.pagination import Pagination
from app.history.projection import Made, Object, Projection
from app.history.recording import Result
from app.runtime import Runtime

RECORD: dict[str, Any] = {"source_type": "single", "image_id": "i", "created_at": "2025-01-15T10:30:00Z"}
SHOWN = Projection((("nodes", Object((*((one.name, one) for one in columns.TABLE), ("nodeId", Made.NODE_ID)))),), True)
ORDERS = [Order(field, direction) for field in DescriptionOrderField for direction in SortDirection]


@pytest.fixture
def asked(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The shapes of all statements that are asked."""
    found: list[Any] = []
    stock = Texts.statement

    def statement(texts: Texts, query: Any) -> Any:
        found.append(query.shape)
        return stock(texts, query)

    monkeypatch.setattr(Texts, "statement", statement)
    return found


@pytest.mark.parametrize("count", [1, 100])
def test_an_image_takes_one_and_its_agreement_another(
    core: Runtime, account_id: int, asked: list[Any], count: int
) -> None:
    record(core, account_id, count)
    found = core.database.answer_now(images.ask(account_id, "i", with_agreement=False))
    assert (found and found.agreement, asked) == (None, ["image"])
    found = core.database.answer_now(images.ask(account_id, "i", with_agreement=True))
    assert (found and found.agreement, asked[1:]) == (1.0 if count > 1 else None, ["image", "texts of an image"])


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: f"{order.field} {order.direction}")
def test_a_page_takes_one_in_every_order(core: Runtime, account_id: int, asked: list[Any], order: Order) -> None:
    record(core, account_id, 30)
    place = None
    for _ in range(4):
        part = Pagination(limit=8, order=order, after=place)
        page = pages.page(core.database, core.statistics, account_id, DescriptionFilter(), part, SHOWN, Budget(10**6))
        place = asyncio.run(page).end_cursor
    assert [shape[0] for shape in asked] == ["page"] * 4


def record(core: Runtime, account_id: int, count: int) -> None:
    values = [
        RECORD | {"id": f"r{place:03}", "description": "A dog", "confidence_score": place / 20 if place < 15 else None}
        for place in range(count)
    ]
    with core.database.write() as session:
        recording.record(session, account_id, [Result.model_validate(value) for value in values])
