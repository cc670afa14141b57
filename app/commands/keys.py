"""`sightlog keys`: who may ask, for what, how often, and until when."""

from datetime import datetime, timedelta
from typing import Annotated

import typer
from rich.table import Table

from app import auth, durations, limits, sessions, times
from app.commands import accounts
from app.commands.opening import err, opened, show, told_plainly
from app.limits import Limits
from app.models import Account, ApiKey, Scope

commands = typer.Typer(help="Create, list, limit and revoke API keys.", no_args_is_help=True)


@commands.command("create")
def create_key(
    account: accounts.Name,
    scopes: Annotated[
        str, typer.Option(help="read, write, admin, joined by commas; each includes the ones before it.")
    ] = "read",
    expires: Annotated[
        str | None, typer.Option(help="Until when it works, such as 30d or 12h; left out: for good.")
    ] = None,
    name: Annotated[str | None, typer.Option(help="What it is for; `keys list` shows it.")] = None,
    limit: Annotated[
        int | None,
        typer.Option(
            min=0, max=limits.HIGHEST, help="Requests a minute, 0 for no limit; left out: as many as its account says."
        ),
    ] = None,
    create: accounts.Create = False,
) -> None:
    """Print a new key, and only the key. It cannot be shown again."""
    with opened(creates=create) as runtime, told_plainly():
        scope, expires_in = auth.scope_of(scopes), _duration(expires)
        with runtime.database.write() as session:
            account_id = accounts.id_of(session, account, create=create)
            key = auth.create_key(session, account_id, scope, expires_in=expires_in, name=name, rate_limit=limit)
    print(key)


@commands.command("list")
def list_keys(
    account: Annotated[str | None, typer.Option("--account", help="Only the keys of this account.")] = None,
) -> None:
    """List keys by their beginnings, when each was last used, to the minute, and how many requests it may send."""
    heads = "key", "account", "name", "scopes", "created", "expires", "last used", "requests a minute", "state"
    table = Table(*heads, box=None)
    with opened() as runtime, told_plainly(), runtime.database.read() as session:
        account_id = auth.account_id(session, account) if account else None
        for key, owner in auth.keys(session, account_id):
            moments = _moment(key.created_at), _moment(key.expires_at), _moment(key.last_used_at)
            who = f"{key.key_prefix}…", owner.name, key.name or "-", _scopes(key.scope)
            table.add_row(*who, *moments, _limit(key, owner, runtime.settings.rate_limit), _state(key))
    show(table)


@commands.command("limit")
def limit_key(
    key: Annotated[str, typer.Argument(help="The key, or a beginning that no other has; `keys list` shows them.")],
    limit: Annotated[str, typer.Argument(metavar="N|default", help="Requests a minute; 0: no limit.")],
) -> None:
    """Set how many requests a minute one key may send, also more than its account says; `default`: as many as that."""
    with opened() as runtime, told_plainly():
        with runtime.database.write() as session:
            row, owner = auth.limit_key(session, key, limit)
            told = _limit(row, owner, runtime.settings.rate_limit)
        err.print(f"Requests a minute for the key {row.key_prefix}…: {told}.")


@commands.command("link")
def make_link(
    key: Annotated[str, typer.Argument(help="The key, or a beginning that no other has; `keys list` shows them.")],
    url: Annotated[
        str | None, typer.Option(help="Where browsers reach the server; left out: SIGHTLOG_PUBLIC_URL.")
    ] = None,
) -> None:
    """Print a link that signs in to the console once, with that key, by itself."""
    with opened() as runtime, told_plainly():
        settings = runtime.settings
        with runtime.database.write() as session:
            key_prefix = auth.key_that_begins(session, key).key_prefix
            token = sessions.make_link(session, key_prefix, lifetime=settings.sign_in_link_lifetime)
    print(sessions.link(url or settings.public_url or "http://127.0.0.1:8000", token))
    err.print(f"It works once, for {durations.text(settings.sign_in_link_lifetime)}.")


@commands.command("revoke")
def revoke_key(
    key: Annotated[str, typer.Argument(help="The key, or a beginning that no other has; `keys list` shows them.")],
) -> None:
    """Deactivate a key at once."""
    with opened() as runtime, told_plainly(), runtime.database.write() as session:
        revoked = auth.revoke_key(session, key)
    err.print(f"The key {revoked.key_prefix}… no longer works.")


def _duration(text: str | None) -> timedelta | None:
    try:
        return None if text is None else durations.parse(text)
    except ValueError as error:
        raise ValueError(f"--expires {error}.") from None


def _moment(moment: datetime | None) -> str:
    return times.iso(moment.replace(microsecond=0)) if moment else "never"


def _limit(key: ApiKey, owner: Account, default: int) -> str:
    limit = Limits(owner.rate_limit, key.rate_limit, key.limited_by_operator).of_key(default)
    return accounts.limit_text(limit, is_own=key.rate_limit is not None)


def _scopes(widest: str) -> str:
    scopes = list(Scope)
    return ",".join(scopes[: scopes.index(Scope(widest)) + 1])


def _state(key: ApiKey) -> str:
    if not key.active:
        return "revoked"
    return "active" if key.expires_at is None or key.expires_at > times.now() else "expired"
