"""What somebody saw of the history, as a token: which filter and order, how many matches, and at which revision.

It is signed, so that what comes back is what a page told, and holds the account whose history it is of.
"""

import base64
import hashlib
import hmac
from collections.abc import Sequence
from dataclasses import dataclass

import orjson

from app import jsontext
from app.errors import InvalidInput
from app.history import filters
from app.history.filters import DescriptionFilter
from app.history.orders import DescriptionOrderField, Order, SortDirection

MAX_LENGTH = 16_384
"""Characters of a token."""

_MEANT_FOR = b"view\n"
"""Nothing else that is signed with the same secret begins so."""


@dataclass(frozen=True)
class View:
    """`total` matches of the filter were there at that `revision` of the account's history."""

    account_id: int
    filter: DescriptionFilter
    order: Order
    total: int
    revision: int


def make(view: View, secret: bytes) -> str | None:
    """None where the filter is too long for a token."""
    order = [view.order.field, view.order.direction]
    told = [view.account_id, filters.to_json(view.filter), order, view.total, view.revision]
    content = jsontext.canonical(told).encode()
    text = _joined(content, _signature(secret, content))
    return text if len(text) <= MAX_LENGTH else None


def read(text: str, account_id: int, secrets: Sequence[bytes]) -> View:
    """InvalidInput for what none of the secrets signed, and for what another account saw."""
    content, signature = _parts(text)
    if not any(hmac.compare_digest(_signature(secret, content), signature) for secret in secrets):
        raise _unknown()
    owner, wanted, (field, direction), total, revision = orjson.loads(content)
    if owner != account_id:
        raise InvalidInput("This view is of another account: use one that a page of this account told.", field="view")
    try:
        meant = filters.from_json(wanted)
    except (KeyError, TypeError, ValueError):  # of a version that knew other fields
        raise _unknown() from None
    return View(owner, meant, Order(DescriptionOrderField(field), SortDirection(direction)), total, revision)


def _parts(text: str) -> tuple[bytes, bytes]:
    parts = text.split(".")
    if len(text) > MAX_LENGTH or len(parts) != 2:
        raise _unknown()
    try:
        content, signature = (base64.b64decode(part + "=" * (-len(part) % 4), b"-_", validate=True) for part in parts)
    except ValueError:
        raise _unknown() from None
    if _joined(content, signature) != text:  # which base64 does not always notice
        raise _unknown()
    return content, signature


def _signature(secret: bytes, content: bytes) -> bytes:
    return hmac.new(secret, _MEANT_FOR + content, hashlib.sha256).digest()


def _joined(*parts: bytes) -> str:
    return ".".join(base64.urlsafe_b64encode(part).decode().rstrip("=") for part in parts)


def _unknown() -> InvalidInput:
    return InvalidInput(
        "This view was altered, or signed with a secret that is no longer in use: read the page again for a new one.",
        field="view",
    )
