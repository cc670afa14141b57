"""What is known of an image from all that was said of it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, cast

from sqlalchemy import BigInteger, ColumnElement, Select, Text, bindparam, func, literal_column, select

from app.engine import dialects
from app.engine.queries import Asking, Query
from app.history import agreement
from app.history.page_query import NEWEST
from app.models import Description, DescriptionStatus

_TABLE = Description.__table__  # type: ignore[attr-defined]


@dataclass(frozen=True)
class Image:
    """`agreement` is None also where it was not asked for."""

    id: str
    image_url: str | None
    first_seen_at: datetime
    last_seen_at: datetime
    agreement: float | None


def ask(account_id: int, id: str, *, with_agreement: bool) -> Asking[Image | None]:
    """None where the account has no result of it. One statement, and one more for the agreement."""
    if not id or "\0" in id:
        return None
    values = {"account_id": account_id, "image_id": id}
    [(first, last, url)] = yield Query("image", _seen, values, one_plan=True)
    if first is None:
        return None
    texts = (yield Query("texts of an image", _texts, values, one_plan=True)) if with_agreement else []
    first, last = (cast(datetime, dialects.moment(moment)) for moment in (first, last))
    return Image(id, url, first, last, agreement.of(text for (text,) in texts))


def _seen() -> Select[Any]:
    with_url = select(_TABLE.c.image_url).where(*_of_image(), _TABLE.c.image_url.is_not(None))
    newest_url = with_url.order_by(*NEWEST).limit(literal_column("1")).scalar_subquery()
    times = func.min(_TABLE.c.created_at), func.max(_TABLE.c.created_at)
    return select(*times, newest_url).where(*_of_image())


def _texts() -> Select[Any]:
    text = func.substr(_TABLE.c.description, 1, literal_column(str(agreement.MAX_LENGTH)))
    completed = _TABLE.c.status == dialects.quoted(DescriptionStatus.COMPLETED.value)
    found = select(text).where(*_of_image(), completed, _TABLE.c.description.is_not(None))
    return found.order_by(*NEWEST).limit(literal_column(str(agreement.MAX_TEXTS)))


def _of_image() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    account_id = bindparam("account_id", type_=BigInteger())
    return _TABLE.c.account_id == account_id, _TABLE.c.image_id == bindparam("image_id", type_=Text())
