"""Who asks, and the account's API keys: their types, and what is done for their fields."""

import logging
from datetime import datetime

import strawberry
from strawberry.types.unset import UNSET

from app import keys, times
from app.limits import Limits
from app.models import ApiKey as Row
from graphql_schema.context import Context
from graphql_schema.enums import Scope

log = logging.getLogger(__name__)


@strawberry.type
class Viewer:
    """Who asks: an API key, or a person who signed in with one."""

    account_name: str
    scope: Scope
    key_prefix: str = strawberry.field(description="The beginning of the key, by which it is known.")
    key_name: str | None
    session_expires_at: datetime | None = strawberry.field(
        description="When the session ends at the latest; null where the key itself is sent."
    )

    requests_per_minute: int = strawberry.field(description="How many requests the key may send; 0: any number.")
    account_requests_per_minute: int = strawberry.field(
        description="How many a key of the account may send that has no limit of its own; 0: any number."
    )

    @classmethod
    def of(cls, context: Context) -> "Viewer":
        caller, default = context.principal, context.runtime.settings.rate_limit
        return cls(
            account_name=caller.account_name,
            scope=caller.scope,
            key_prefix=caller.key_prefix,
            key_name=caller.key_name,
            session_expires_at=caller.session_expires_at,
            requests_per_minute=caller.limits.of_key(default),
            account_requests_per_minute=caller.limits.of_account(default),
        )


@strawberry.type
class ApiKey:
    """An API key of the account; the key itself is not kept."""

    prefix: strawberry.ID = strawberry.field(description="Its beginning, by which it is known.")
    name: str | None = strawberry.field(description="What it is for.")
    scope: Scope
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None = strawberry.field(description="To the minute; null: never.")
    active: bool = strawberry.field(description="Whether it works: it was not revoked and has not expired.")
    requests_per_minute: int | None = strawberry.field(
        description="A limit of its own; null: it may send as many as its account has; 0: any number."
    )

    @classmethod
    def of(cls, row: Row, account_limit: int) -> "ApiKey":
        limits = Limits(account_limit, row.rate_limit, row.limited_by_operator)
        return cls(
            prefix=strawberry.ID(row.key_prefix),
            name=row.name,
            scope=Scope(row.scope),
            created_at=row.created_at,
            expires_at=row.expires_at,
            last_used_at=row.last_used_at,
            active=row.active and (row.expires_at is None or row.expires_at > times.now()),
            requests_per_minute=None if row.rate_limit is None else limits.of_key(account_limit),
        )


@strawberry.input
class CreateApiKeyInput:
    """What the key is for, what it may do, how often, and for how long."""

    name: str | None = UNSET
    scope: Scope = Scope.READ
    expires_in_days: int | None = strawberry.field(default=UNSET, description="1 to 3650; null: it does not expire.")
    requests_per_minute: int | None = strawberry.field(
        default=UNSET, description="1 to what its account has; null: as many as that."
    )


@strawberry.type
class CreateApiKeyResult:
    """A new key."""

    key: str = strawberry.field(description="The key itself. It is told this once.")
    api_key: ApiKey


def listed(context: Context) -> list[ApiKey]:
    context.principal.require(Scope.ADMIN)
    with context.runtime.database.read() as session:
        return [ApiKey.of(row, _account_limit(context)) for row in keys.newest(session, context.account_id)]


def create(context: Context, given: CreateApiKeyInput) -> CreateApiKeyResult:
    context.principal.require(Scope.ADMIN)
    days = None if given.expires_in_days is UNSET else given.expires_in_days
    limit = None if given.requests_per_minute is UNSET else given.requests_per_minute
    of_account = _account_limit(context)
    with context.runtime.database.write() as session:
        key, row = keys.create(
            session,
            context.account_id,
            given.scope,
            days=days,
            name=given.name or None,
            rate_limit=limit,
            account_limit=of_account,
        )
    log.info("key %s: created with the key %s", row.key_prefix, context.principal.key_prefix)
    return CreateApiKeyResult(key=key, api_key=ApiKey.of(row, of_account))


def limit(context: Context, prefix: str, requests_per_minute: int | None) -> ApiKey:
    """Also the key that asks."""
    context.principal.require(Scope.ADMIN)
    of_account = _account_limit(context)
    with context.runtime.database.write() as session:
        row = keys.limit(session, context.account_id, prefix, requests_per_minute, account_limit=of_account)
    told = "as its account" if row.rate_limit is None else f"to {row.rate_limit} requests a minute"
    log.info("key %s: limited %s with the key %s", row.key_prefix, told, context.principal.key_prefix)
    return ApiKey.of(row, of_account)


def revoke(context: Context, prefix: str) -> ApiKey:
    """Also the key that asks; its sessions end with it."""
    context.principal.require(Scope.ADMIN)
    with context.runtime.database.write() as session:
        row = keys.revoke(session, context.account_id, prefix)
    log.info("key %s: revoked with the key %s", row.key_prefix, context.principal.key_prefix)
    return ApiKey.of(row, _account_limit(context))


def _account_limit(context: Context) -> int:
    return context.principal.limits.of_account(context.runtime.settings.rate_limit)
