"""The API keys of an account, as it sees and changes them itself."""

from collections.abc import Sequence
from datetime import timedelta

from sqlmodel import Session, col, func, or_, select

from app import auth, limits, times
from app.errors import Conflict, InvalidInput, NotFound
from app.models import ApiKey, Scope

MAX_KEYS = 1000
"""Keys of one account that work at a time, and those that it is shown."""

MAX_DAYS = 3650
"""Until a key ends that is made for so many days."""


def newest(session: Session, account_id: int) -> Sequence[ApiKey]:
    """Newest first, revoked ones too; MAX_KEYS of them."""
    found = select(ApiKey).where(ApiKey.account_id == account_id)
    return session.exec(found.order_by(col(ApiKey.created_at).desc(), ApiKey.key_prefix).limit(MAX_KEYS)).all()


def create(
    session: Session,
    account_id: int,
    scope: Scope,
    *,
    days: int | None,
    name: str | None,
    rate_limit: int | None,
    account_limit: int,
) -> tuple[str, ApiKey]:
    """A key, told this once, and its row. InvalidInput for a name, a number of days or a limit, as `limit` says, that
    cannot be meant; Conflict where the account has as many keys as it may have.
    """
    _require_limit(rate_limit, account_limit)
    if days is not None and not 1 <= days <= MAX_DAYS:
        raise InvalidInput(f"A key expires in 1 to {MAX_DAYS} days, or not at all.", field="expires_in_days")
    usable = col(ApiKey.active), or_(col(ApiKey.expires_at).is_(None), col(ApiKey.expires_at) > times.now())
    count = select(func.count()).select_from(ApiKey).where(ApiKey.account_id == account_id, *usable)
    if session.exec(count).one() >= MAX_KEYS:
        raise Conflict(f"An account has {MAX_KEYS} keys at most: revoke one first.")
    expires_in = None if days is None else timedelta(days=days)
    key = auth.create_key(session, account_id, scope, expires_in=expires_in, name=name)
    session.flush()
    row = _get(session, account_id, auth.prefix_of(key))
    row.rate_limit = rate_limit
    session.add(row)
    return key, row


def limit(session: Session, account_id: int, key_prefix: str, rate_limit: int | None, *, account_limit: int) -> ApiKey:
    """Gives a key a limit of its own, in requests a minute, or takes it back (None), whoever had set it.

    `account_limit` is what a key may send that has none, 0: any number. InvalidInput for more than that; NotFound for a
    key that is unknown or another account's.
    """
    _require_limit(rate_limit, account_limit)
    row = _get(session, account_id, key_prefix)
    row.rate_limit, row.limited_by_operator = rate_limit, False
    session.add(row)
    return row


def revoke(session: Session, account_id: int, key_prefix: str) -> ApiKey:
    """Doing it twice is harmless. NotFound for a key that is unknown or another account's."""
    row = _get(session, account_id, key_prefix)
    row.active = False
    session.add(row)
    return row


def _require_limit(rate_limit: int | None, account_limit: int) -> None:
    if rate_limit is None or 1 <= rate_limit <= (account_limit or limits.HIGHEST):
        return
    wanted = f"The limit of a key is 1 to {account_limit or limits.HIGHEST} requests a minute"
    if account_limit:
        wanted += ", as its account has no more"
    without = "as many as its account has" if account_limit else "no limit"
    raise InvalidInput(f"{wanted}. Leave it out for {without}.", field="requests_per_minute")


def _get(session: Session, account_id: int, key_prefix: str) -> ApiKey:
    found = session.get(ApiKey, key_prefix)
    if found is None or found.account_id != account_id:
        raise NotFound("API key not found")
    return found
