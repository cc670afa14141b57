"""Accounts and their API keys, and who is asking."""

import difflib
import hashlib
import hmac
import re
import secrets
import string
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, Select, bindparam, func, or_
from sqlmodel import Session, col, select

from app import limits, times
from app.engine import dialects
from app.engine.queries import Asking, Query
from app.errors import Conflict, DeactivatedKey, ExpiredKey, Forbidden, InvalidInput, NotFound, Unauthenticated
from app.limits import Limits
from app.models import Account, ApiKey, History, Scope

_BEGINNING = "sightlog_"
_PREFIX_LENGTH = len(_BEGINNING) + 8
_MOST_LISTED = 10
_ALPHANUMERIC = string.ascii_letters + string.digits
_KEY = re.compile(r"(sightlog_[A-Za-z0-9]{8})[A-Za-z0-9_-]{32,64}")
_ACCOUNT_NAME = re.compile(r"[\w][\w .@+-]{0,99}")
_SCOPES = list(Scope)
_OF_PROXIES = ("basic", "digest", "negotiate")


@dataclass(frozen=True)
class Principal:
    """Who is asking: a key of an account, what it may do, and how often.

    `session` is the hash of the token of the session that asks in the key's place, if one does; it ends at
    `session_expires_at` at the latest.
    """

    account_id: int
    key_prefix: str
    scope: Scope
    limits: Limits
    account_name: str
    key_name: str | None = None
    session: str | None = None
    session_expires_at: datetime | None = None

    def includes(self, scope: Scope) -> bool:
        return _SCOPES.index(self.scope) >= _SCOPES.index(scope)

    def require(self, scope: Scope) -> None:
        """Forbidden where the key's scope does not include this one."""
        if not self.includes(scope):
            raise Forbidden(f"This needs an API key with the scope '{scope}'; this one has '{self.scope}'.")


def ask_principal(authorization: str | None) -> Asking[Principal]:
    """The principal of an `Authorization: Bearer …` value.

    Unauthenticated, ExpiredKey or DeactivatedKey where there is none. A wrong key, whatever is wrong with it,
    and an unknown one get the same answer.
    """
    if not authorization:
        raise Unauthenticated("An API key is required: send the header 'Authorization: Bearer <key>'.")
    scheme, _, key = authorization.partition(" ")
    match = _KEY.fullmatch(key.strip())
    if scheme.lower() != "bearer" or match is None:
        raise Unauthenticated("The API key is not valid: send the header 'Authorization: Bearer <key>'.")
    return (yield from _ask_owner(match))


def ask_owner(key: str) -> Asking[Principal]:
    """The same, of the key alone."""
    match = _KEY.fullmatch(key.strip())
    if match is None:
        raise Unauthenticated("The API key is not valid.")
    return (yield from _ask_owner(match))


def _ask_owner(match: re.Match[str]) -> Asking[Principal]:
    found = yield Query("key", _key_statement, {"key_prefix": match[1]}, one_plan=True)
    if not found or not hmac.compare_digest(found[0][-1], _hash(match[0])):
        raise Unauthenticated("The API key is not valid.")
    return principal_of(found[0])


def prefix_of(key: str) -> str:
    """The beginning by which a key is known."""
    return key[:_PREFIX_LENGTH]


def shows_key(authorization: str | None) -> bool:
    """Whether the header's value is for us, whatever it is worth, and not for a proxy in front."""
    return bool(authorization) and str(authorization).partition(" ")[0].lower() not in _OF_PROXIES


def principal_of(row: Sequence[Any]) -> Principal:
    """From a row of `statement`. ExpiredKey or DeactivatedKey where the key no longer works."""
    key_prefix, account_id, scope, active, expires_at, account_name, key_name, *limited = row[:10]
    require_usable(bool(active), dialects.moment(expires_at))
    of_account, of_key, by_operator = limited
    own = Limits(of_account, of_key, by_operator=bool(by_operator))
    return Principal(account_id, key_prefix, Scope(scope), own, account_name, key_name)


def statement(*others: ColumnElement[Any]) -> Select[Any]:
    """Selects what is to be known of keys and of their accounts to tell who asks, and then the others."""
    key, owner = ApiKey.__table__.c, Account.__table__.c  # type: ignore[attr-defined]
    of_key = key.key_prefix, key.account_id, key.scope, key.active, key.expires_at
    names = owner.name.label("account_name"), key.name
    limited = owner.rate_limit.label("account_limit"), key.rate_limit, key.limited_by_operator
    return sqlalchemy.select(*of_key, *names, *limited, *others).where(owner.id == key.account_id)


def _key_statement() -> Select[Any]:
    key = ApiKey.__table__.c  # type: ignore[attr-defined]
    return statement(key.secret_hash).where(key.key_prefix == bindparam("key_prefix"))


def refusals(session: Session, key_prefixes: Collection[str]) -> dict[str, Unauthenticated]:
    """For those who stay connected: why their keys no longer work, of those that do not."""
    statement = select(ApiKey).where(col(ApiKey.key_prefix).in_(key_prefixes))
    known = {key.key_prefix: key for key in session.exec(statement)}
    found: dict[str, Unauthenticated] = {}
    for key_prefix in key_prefixes:
        try:
            if key_prefix not in known:
                raise Unauthenticated("The API key is not valid.")
            require_usable(known[key_prefix].active, known[key_prefix].expires_at)
        except Unauthenticated as error:
            found[key_prefix] = error
    return found


def account(session: Session, name: str, *, create: bool = False) -> Account:
    """The account of that name. NotFound where there is none, unless it is to be created."""
    found = _account(session, name)
    if found is None:
        if not create:
            raise NotFound(f"There is no account named '{name}'.{_meant(session, name)}")
        found = Account(id=_next_id(session), name=name, created_at=times.now())
        session.add(found)
        session.flush()
    return found


def create_account(session: Session, name: str) -> Account:
    """Conflict where there is one of that name."""
    if _account(session, name) is not None:
        raise Conflict(f"There is an account named '{name}' already.")
    return account(session, name, create=True)


def rename_account(session: Session, old: str, new: str) -> None:
    """NotFound where there is no such account, Conflict where the new name is another's."""
    found = account(session, old)
    if _account(session, new) not in (None, found):
        raise Conflict(f"There is an account named '{new}' already.")
    found.name = new
    session.add(found)


def account_id(session: Session, name: str, *, create: bool = False) -> int:
    found = account(session, name, create=create).id
    assert found is not None
    return found


def accounts(session: Session) -> Sequence[Account]:
    return session.exec(select(Account).order_by(Account.name)).all()


def limit_account(session: Session, name: str, limit: str) -> int | None:
    """Gives the account a limit of its own (`0`: none), or takes it back (`default`)."""
    found = account(session, name)
    found.rate_limit = _limit(limit)
    session.add(found)
    return found.rate_limit


def limit_key(session: Session, beginning: str, limit: str) -> tuple[ApiKey, Account]:
    """Gives the one key that begins so, as `key_that_begins` finds it, a limit of its own (`0`: none), or takes it back
    (`default`). Being the operator's, it may exceed the account's. The key, and its account.
    """
    found = key_that_begins(session, beginning)
    found.rate_limit = _limit(limit)
    found.limited_by_operator = found.rate_limit is not None
    session.add(found)
    return found, session.get_one(Account, found.account_id)


def create_key(
    session: Session,
    account_id: int,
    scope: Scope,
    *,
    expires_in: timedelta | None = None,
    name: str | None = None,
    rate_limit: int | None = None,
) -> str:
    """A new key. This is the only time that the whole of it is known; only its hash is stored.

    `rate_limit` is a limit of its own that the operator sets, as `limit_key` does. NotFound where the account was
    deleted.
    """
    if name is not None and not (1 <= len(name) <= 100 and name.isprintable()):
        raise InvalidInput("The name of a key is 1 to 100 letters, digits, spaces or other signs.", field="name")
    _require_account(session, account_id)
    prefix = _BEGINNING + "".join(secrets.choice(_ALPHANUMERIC) for _ in range(8))
    key = prefix + secrets.token_urlsafe(32)
    now = times.now()
    session.add(
        ApiKey(
            key_prefix=prefix,
            account_id=account_id,
            secret_hash=_hash(key),
            scope=scope,
            created_at=now,
            expires_at=None if expires_in is None else now + expires_in,
            name=name,
            rate_limit=rate_limit,
            limited_by_operator=rate_limit is not None,
        )
    )
    return key


def keys(session: Session, account_id: int | None = None) -> list[tuple[ApiKey, Account]]:
    """The keys of one account, or of all, each with its account."""
    statement = select(ApiKey, Account).join(Account, col(Account.id) == ApiKey.account_id)
    if account_id is not None:
        statement = statement.where(ApiKey.account_id == account_id)
    return list(session.exec(statement.order_by(Account.name, col(ApiKey.created_at))).all())


def keys_used(session: Session, moments: Mapping[str, datetime], *, at_most_every: timedelta) -> None:
    """Keeps when each key, by its prefix, was used; not where that is hardly later than what is kept."""
    key = ApiKey.__table__.c  # type: ignore[attr-defined]
    is_later = or_(key.last_used_at.is_(None), key.last_used_at < bindparam("before"))
    kept = sqlalchemy.update(ApiKey).where(key.key_prefix == bindparam("prefix"), is_later)
    # In the order of the prefixes, so that two processes wait for each other and never in a circle.
    values = [{"prefix": prefix, "at": at, "before": at - at_most_every} for prefix, at in sorted(moments.items())]
    session.connection().execute(kept.values(last_used_at=bindparam("at")), values)


def revoke_key(session: Session, beginning: str) -> ApiKey:
    """Deactivates the one key that begins so, as `key_that_begins` finds it. Doing it twice is harmless."""
    found = key_that_begins(session, beginning)
    found.active = False
    session.add(found)
    return found


def key_that_begins(session: Session, beginning: str) -> ApiKey:
    """The one key that begins so, or is that. NotFound where there is none, Conflict where there are several."""
    shown = beginning.rstrip("…")[:_PREFIX_LENGTH]
    begins = func.substr(col(ApiKey.key_prefix), 1, len(shown)) == shown
    found = session.exec(select(ApiKey).where(begins).order_by(ApiKey.key_prefix)).all() if shown else []
    if not found:
        raise NotFound(f"There is no API key that begins with '{shown}'.")
    if len(found) > 1 or len(shown) <= len(_BEGINNING):
        listed = ", ".join(f"{key.key_prefix}…" for key in found[:_MOST_LISTED])
        more = f" and {len(found) - _MOST_LISTED} more" if len(found) > _MOST_LISTED else ""
        raise Conflict(f"Say more of the key, as '{shown}' begins {listed}{more}.")
    return found[0]


def scope_of(names: str) -> Scope:
    """The widest of the scopes in a list such as `read,write`. InvalidInput for a name that is none."""
    try:
        given = [Scope(name.strip()) for name in names.split(",")]
    except ValueError:
        raise InvalidInput("Scopes are read, write and admin, joined by commas.", field="scopes") from None
    return max(given, key=_SCOPES.index)


def _next_id(session: Session) -> int | None:
    """None: the database gives one that it has never given. SQLite would give that of the last account again, once it
    was deleted.
    """
    if session.get_bind().dialect.name != "sqlite":
        return None
    deleted = select(func.max(History.account_id)).where(col(History.deleted_at).is_not(None))
    return max(session.exec(select(func.max(Account.id))).one() or 0, session.exec(deleted).one() or 0) + 1


def _require_account(session: Session, account_id: int) -> None:
    """NotFound where it was deleted; it is not deleted before the transaction ends."""
    found = select(Account.id).where(Account.id == account_id).with_for_update(key_share=True)
    if session.exec(found).first() is None:
        raise NotFound("The account was deleted.")


def _limit(text: str) -> int | None:
    if text == "default":
        return None
    if text.isascii() and text.isdigit() and int(text) <= limits.HIGHEST:
        return int(text)
    raise InvalidInput("A limit is a number of requests a minute, 0 for no limit, or 'default'.", field="limit")


def _account(session: Session, name: str) -> Account | None:
    if _ACCOUNT_NAME.fullmatch(name) is None:
        raise InvalidInput("An account's name is 1 to 100 letters, digits, spaces or any of . @ + - _", field="account")
    return session.exec(select(Account).where(Account.name == name)).first()


def _meant(session: Session, name: str) -> str:
    """A hint at the account whose name is most like that."""
    like = difflib.get_close_matches(name, session.exec(select(Account.name)).all(), 1)
    return f" Did you mean '{like[0]}'?" if like else ""


def require_usable(active: bool, expires_at: datetime | None) -> None:
    if not active:
        raise DeactivatedKey("The API key was deactivated.")
    if expires_at is not None and expires_at <= times.now():
        raise ExpiredKey(f"The API key expired at {times.iso(expires_at)}.")


def _hash(key: str) -> str:
    # Keys are 256 random bits: a fast hash cannot be searched, so none of the slow ones is needed.
    return hashlib.sha256(key.encode()).hexdigest()
