"""Sessions of people in browsers: begun with a key or a link, looked up by the token in a cookie, ended."""

import hashlib
import re
import secrets
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, Select, bindparam, delete, or_
from sqlalchemy.orm import Mapped
from sqlmodel import Session, SQLModel, col, select

from app import auth, times
from app.auth import Principal
from app.engine import dialects
from app.engine.db import Database
from app.engine.queries import Asking, Query
from app.errors import Unauthenticated
from app.models import ApiKey, BrowserSession, SignInLink

MOST_OF_ONE_KEY = 50
"""Sessions, and links, that one key has at a time: one more ends the one that was not seen for longest."""

_MOST_REMOVED = 1000
"""Rows of a table that one sweep removes."""

_TOKEN = re.compile(r"[A-Za-z0-9_-]{43}")
_ENDED = "The session has ended: please sign in again."
_UNUSABLE = "The link was used before, or is too old."


@dataclass(frozen=True)
class Started:
    """A session that has just begun. This is the only time that its token is known."""

    token: str
    key_prefix: str
    expires_at: datetime


def start(session: Session, key_prefix: str, *, lifetime: timedelta, instead_of: str | None = None) -> Started:
    """A session of that key, which never outlives it. `instead_of` is the token of one that ends with it.

    Unauthenticated where the key no longer works.
    """
    key, now = _usable(session, key_prefix), times.now()
    end(session, instead_of or "")
    seen = col(BrowserSession.last_seen_at), col(BrowserSession.token_hash)
    _make_room(session, BrowserSession, col(BrowserSession.key_prefix) == key_prefix, *seen)
    token = secrets.token_urlsafe(32)
    ends = min(now + lifetime, key.expires_at or now + lifetime)
    row = BrowserSession(
        token_hash=_hash(token), key_prefix=key_prefix, created_at=now, last_seen_at=now, expires_at=ends
    )
    session.add(row)
    return Started(token, key_prefix, ends)


def end(session: Session, token: str) -> None:
    """Ends the session of that token, if there is one."""
    session.connection().execute(delete(BrowserSession).where(col(BrowserSession.token_hash) == _hash(token)))


def ask_principal(token: str | None, idle: timedelta) -> Asking[Principal]:
    """The principal of a session, in one statement. Unauthenticated where it has ended, or never was; ExpiredKey or
    DeactivatedKey where its key no longer works.
    """
    if token is None:
        raise Unauthenticated("There is no session: please sign in with an API key.")
    if _TOKEN.fullmatch(token) is None:
        raise Unauthenticated(_ENDED)
    token_hash = _hash(token)
    found = yield Query("session", _session_statement, {"token_hash": token_hash}, one_plan=True)
    if not found:
        raise Unauthenticated(_ENDED)
    principal = auth.principal_of(found[0])
    last_seen_at, expires_at = map(dialects.moment, found[0][-2:])
    assert last_seen_at is not None
    assert expires_at is not None
    if _has_ended(last_seen_at, expires_at, idle):
        raise Unauthenticated(_ENDED)
    return replace(principal, session=token_hash, session_expires_at=expires_at)


def refusals(session: Session, token_hashes: Collection[str], idle: timedelta) -> dict[str, Unauthenticated]:
    """For those who stay connected: of those sessions the ones that have ended, and why."""
    rows = session.exec(select(BrowserSession).where(col(BrowserSession.token_hash).in_(token_hashes)))
    alive = {row.token_hash for row in rows if not _has_ended(row.last_seen_at, row.expires_at, idle)}
    return {token_hash: Unauthenticated(_ENDED) for token_hash in token_hashes if token_hash not in alive}


def seen(session: Session, moments: Mapping[str, datetime]) -> None:
    """Keeps when each session, by the hash of its token, was last used."""
    row = BrowserSession.__table__.c  # type: ignore[attr-defined]
    kept = sqlalchemy.update(BrowserSession).where(
        row.token_hash == bindparam("hash"), row.last_seen_at < bindparam("at")
    )
    # In the order of the hashes, so that two processes wait for each other and never in a circle.
    values = [{"hash": token_hash, "at": at} for token_hash, at in sorted(moments.items())]
    session.connection().execute(kept.values(last_seen_at=bindparam("at")), values)


def make_link(session: Session, key_prefix: str, *, lifetime: timedelta) -> str:
    """The token of a link that begins one session of that key. Unauthenticated where the key no longer works."""
    _usable(session, key_prefix)
    made = col(SignInLink.created_at), col(SignInLink.token_hash)
    _make_room(session, SignInLink, col(SignInLink.key_prefix) == key_prefix, *made)
    token, now = secrets.token_urlsafe(32), times.now()
    session.add(SignInLink(token_hash=_hash(token), key_prefix=key_prefix, created_at=now, expires_at=now + lifetime))
    return token


def link(url: str, token: str) -> str:
    """What is opened in a browser, at a server that is reached by that URL."""
    return f"{url.rstrip('/')}/sign-in?token={token}"


def ask_link(token: str) -> Asking[int]:
    """Whose account a link is for. Unauthenticated where no link has that token: nothing is written for who guesses."""
    if _TOKEN.fullmatch(token) is None:
        raise Unauthenticated(_UNUSABLE)
    found = yield Query("link", _link_statement, {"token_hash": _hash(token)}, one_plan=True)
    if not found:
        raise Unauthenticated(_UNUSABLE)
    account_id: int = found[0][0]
    return account_id


def use_link(session: Session, token: str, *, lifetime: timedelta, instead_of: str | None = None) -> Started:
    """Begins the session of a link. Unauthenticated where it was used, is too old, or its key no longer works."""
    meant = col(SignInLink.token_hash) == _hash(token), col(SignInLink.expires_at) > times.now()
    key_prefix = session.connection().scalar(delete(SignInLink).where(*meant).returning(col(SignInLink.key_prefix)))
    if key_prefix is None:
        raise Unauthenticated(_UNUSABLE)
    return start(session, key_prefix, lifetime=lifetime, instead_of=instead_of)


def sweep(database: Database, idle: timedelta) -> None:
    """Removes what has ended, a bounded number at a time."""
    now = times.now()
    row, link = col(BrowserSession.token_hash), col(SignInLink.token_hash)
    have_ended = or_(col(BrowserSession.expires_at) <= now, col(BrowserSession.last_seen_at) <= now - idle)
    ended = select(row).where(have_ended).limit(_MOST_REMOVED)
    too_old = select(link).where(col(SignInLink.expires_at) <= now).limit(_MOST_REMOVED)
    with database.read() as session:
        if not (session.exec(ended.limit(1)).first() or session.exec(too_old.limit(1)).first()):
            return
    with database.write() as session:
        session.connection().execute(delete(BrowserSession).where(row.in_(ended)))
        session.connection().execute(delete(SignInLink).where(link.in_(too_old)))


def _session_statement() -> Select[Any]:
    key, row = ApiKey.__table__.c, BrowserSession.__table__.c  # type: ignore[attr-defined]
    of_token = auth.statement(row.last_seen_at, row.expires_at).where(row.token_hash == bindparam("token_hash"))
    return of_token.where(key.key_prefix == row.key_prefix)


def _link_statement() -> Select[Any]:
    key, link = ApiKey.__table__.c, SignInLink.__table__.c  # type: ignore[attr-defined]
    of_token = sqlalchemy.select(key.account_id).where(link.token_hash == bindparam("token_hash"))
    return of_token.where(key.key_prefix == link.key_prefix)


def _has_ended(last_seen_at: datetime, expires_at: datetime, idle: timedelta) -> bool:
    now = times.now()
    return now >= expires_at or now >= last_seen_at + idle


def _usable(session: Session, key_prefix: str) -> ApiKey:
    key = session.get(ApiKey, key_prefix)
    if key is None:
        raise Unauthenticated("The API key is not valid.")
    auth.require_usable(key.active, key.expires_at)
    return key


def _make_room(
    session: Session,
    table: type[SQLModel],
    of_key: ColumnElement[bool],
    moment: Mapped[datetime],
    token_hash: Mapped[str],
) -> None:
    kept = select(token_hash).where(of_key).order_by(moment.desc(), token_hash).limit(MOST_OF_ONE_KEY - 1)
    session.connection().execute(delete(table).where(of_key, token_hash.not_in(kept)))


def _hash(token: str) -> str:
    # Tokens are 256 random bits: a fast hash cannot be searched, and looking one up by its hash tells nothing of it.
    return hashlib.sha256(token.encode()).hexdigest()
