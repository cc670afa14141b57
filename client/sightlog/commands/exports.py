"""`sightlog export` and `sightlog exports`: files of results that the server writes."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime, timedelta, timezone
from enum import Enum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from sightlog.commands import exits, options, output, planning, watching
from sightlog.errors import ExportFailed, StillRunning

if TYPE_CHECKING:
    from sightlog.exports import Export

commands = typer.Typer(help="List exports, fetch their files, and end, repeat or delete them.", no_args_is_help=True)


class Format(str, Enum):
    CSV = "csv"
    JSON = "json"
    JSONL = "jsonl"
    PARQUET = "parquet"
    XLSX = "xlsx"
    IMAGEFOLDER = "imagefolder"


class Dialect(str, Enum):
    RFC4180 = "rfc4180"
    EXCEL = "excel"


class Compression(str, Enum):
    NONE = "none"
    GZIP = "gzip"
    ZSTD = "zstd"


class Status(str, Enum):
    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


_ENDINGS = {".gz": Compression.GZIP, ".zst": Compression.ZSTD}
_FORMATS = {one.value: one for one in Format} | {"zip": Format.IMAGEFOLDER}
"""By the endings of files."""

Id = Annotated[str, typer.Argument(metavar="ID", help="Of the export; `exports list` shows it.", show_default=False)]
Ids = Annotated[
    list[str], typer.Argument(metavar="ID", help="Of exports; `exports list` shows them.", show_default=False)
]
Target = Annotated[
    Path | None,
    typer.Option(
        "--output",
        "-o",
        metavar="FILE",
        show_default=False,
        help="Where to put the file, with its receipt beside it.",
    ),
]
Timeout = Annotated[
    timedelta | None,
    typer.Option(
        "--timeout",
        metavar="TIME",
        parser=options.duration,
        show_default=False,
        help="How long to wait for the server, such as 30s or 10m; left out: for as long as it takes.",
    ),
]


@options.filtered
def export(
    filter: dict[str, Any],
    format: Annotated[
        Format | None, typer.Option(show_default=False, help="Left out: what -o ends in, else csv.")
    ] = None,
    compression: Annotated[
        Compression | None, typer.Option(show_default=False, help="Left out: what -o ends in, else none.")
    ] = None,
    fields: Annotated[
        str | None,
        typer.Option(metavar="NAME,...", show_default=False, help="Columns, in this order; left out: all."),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="NAME [as NAME],...",
            show_default=False,
            help='Instead of --fields: "description as text, metadata.model as model".',
        ),
    ] = None,
    dialect: Annotated[
        Dialect, typer.Option(help="Of a CSV; excel is for spreadsheets, and `sightlog import --dialect excel`.")
    ] = Dialect.RFC4180,
    without_metadata: Annotated[
        bool, typer.Option("--without-metadata", help="Leave the column metadata out.")
    ] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", "-n", min=1, metavar="N", show_default=False, help="The newest ones.")
    ] = None,
    images: Annotated[
        bool, typer.Option("--images", help="Of a training set (imagefolder, .zip): the images too.")
    ] = False,
    texts: Annotated[bool, typer.Option("--texts", help="And a .txt with its text beside each image.")] = False,
    watch: Annotated[bool, typer.Option("--watch", "-w", help="Wait until it is done; -o does so too.")] = False,
    plan: Annotated[bool, typer.Option("--plan", help="Tell what it would be, and start nothing.")] = False,
    target: Target = None,
    timeout: Timeout = None,
    json: options.Json = False,
    profile: options.Profile = None,
) -> None:
    """Have the results that match written to a file. Takes the same words and options as `search`.

    With -o: waits, fetches the file and compares it with its receipt, as in `sightlog export dog -o dogs.csv.gz`; an
    older file of that name is replaced then. With --watch alone: waits. With neither: prints the id of the export and
    ends; `exports download` fetches the file. With --plan: tells how many rows it would have, about how large and when,
    and by which dates to split it where it would be too large.
    """
    if timeout is not None and not (watch or target):
        raise typer.BadParameter("--timeout needs --watch or -o.")
    _check_place(target)
    suffixes = target.suffixes if target else []
    if compression is None:
        compression = _ENDINGS.get(suffixes[-1] if suffixes else "", Compression.NONE)
    if format is None:
        endings = [suffix[1:] for suffix in suffixes if suffix not in _ENDINGS]
        format = _FORMATS.get(endings[-1] if endings else "", Format.CSV)

    given = {
        "compression": compression.value,
        "fields": [name.strip() for name in fields.split(",")] if fields else None,
        "columns": list(map(_column, columns.split(","))) if columns else None,
        "dialect": dialect.value,
        "include_metadata": not without_metadata,
        "limit": limit,
    } | filter
    with options.client(profile) as client:
        if plan:
            planned = client.plan_export(format.value, images=images, texts=texts, **given)
            output.print_json(planned) if json else planning.show(planned)
            return
        begun = client.export(format.value, images=images, texts=texts, **given)
        resumed_by = watching.resume(begun.id, str(target or begun.filename), profile)
        if watch or target:
            output.say(f"The export {begun.id} has begun.")
            _watch(begun, target, timeout, resumed_by, json)
        elif json:
            output.print_json(begun.state)
        else:
            print(begun.id)
            output.say(f"It runs on the server: {resumed_by} waits for it and fetches the file.")


def _column(text: str) -> tuple[str, str]:
    """`description as text`, or a name alone."""
    name, *alias = re.split(r"\s+as\s+", text.strip(), maxsplit=1, flags=re.IGNORECASE)
    return name, alias[0] if alias else name


def _watch(export: Export, target: Path | None, timeout: timedelta | None, resumed_by: str, json: bool) -> None:
    try:
        file = watching.watch(export, str(target) if target else None, timeout, resumed_by)
    except (StillRunning, ExportFailed):
        if json:  # a program needs the id above all when it is not done
            output.print_json(export.state)
        raise
    if json:
        output.print_json(output.as_json(export.state) | ({"file": str(file)} if file else {}))
    elif file:
        receipt = export.receipt
        assert receipt is not None  # it was compared with the file
        print(f"{file}: {receipt.told}")
    else:
        print(export.id)
        output.say(f"It has {export.state.record_count:,} rows: {resumed_by} fetches the file.")
    if export.left_out:
        output.say(f"{_left_out(export)} `sightlog exports show {export.id}` says why, and where they are.")


def _left_out(export: Export) -> str:
    some = "1 result is" if export.left_out == 1 else f"{export.left_out:,} results are"
    return f"{some} not in the file, but in its ledger."


def _check_place(target: Path | None) -> None:
    """BadParameter where no file can be made there, before the server works for it."""
    if str(target) == "-":
        raise typer.BadParameter("It is compared with its receipt first, so it needs a file.", param_hint="'-o'")
    if target is not None and not target.is_dir() and not target.absolute().parent.is_dir():
        raise typer.BadParameter(f"There is no folder {target.absolute().parent}.", param_hint="'--output' / '-o'")


@commands.command("list", cls=exits.Command)
def list_exports(
    status: Annotated[Status | None, typer.Option(show_default=False, help="Only those in this state.")] = None,
    limit: Annotated[int, typer.Option("--limit", "-n", min=0, metavar="N", help="How many at most; 0: all.")] = 20,
    json: options.Json = False,
    profile: options.Profile = None,
) -> None:
    """List exports, newest first.

    In a pipe, values are between tabs: id, time, status, rows, format, bytes.
    """
    with (
        options.client(profile) as client,
        output.Table("id", "age", "status", "rows", "format", "size", right=("age", "rows", "size")) as table,
    ):
        for one in client.exports(status=status.value if status else None, limit=limit or None):
            if json:
                output.print_json(one.state)
                continue
            extension = one.filename.split(".", 1)[1]
            bytes_ = one.receipt.bytes if one.receipt else None
            if output.is_read_by_a_person():
                size = "" if bytes_ is None else output.size(bytes_)
                table.row(one.id, _age(one.state.created_at), one.status, _rows(one), extension, size)
            else:
                created, rows = output.as_json(one.state.created_at), output.number(one.state.record_count)
                table.row(one.id, created, one.status, rows, extension, output.number(bytes_))


@commands.command("show", cls=exits.Command)
def show_export(id: Id, json: options.Json = False, profile: options.Profile = None) -> None:
    """Show an export: how far it is, what is in its file, and what happened to it."""
    with options.client(profile) as client:
        found = client.find_export(id)
    if json:
        output.print_json(found.state)
        return
    state, receipt = found.state, found.receipt
    output.details(
        [
            ("id", found.id),
            ("status", found.status),
            ("rows", _rows(found)),
            ("file", found.filename),
            ("fields", ", ".join(state.fields)),
            ("bytes", output.number(receipt.bytes) if receipt else ""),
            ("SHA-256", receipt.sha256 if receipt else ""),
            ("results as of", output.as_json(receipt.snapshot_at) if receipt else ""),
            *(
                (note.name.replace("_", " "), f"{note.count:,}")
                for note in (state.receipt.notes if state.receipt else ())
            ),
            ("ledger", (state.ledger.download_url or "") if state.ledger else ""),
            ("created", output.as_json(state.created_at)),
            ("ended", output.as_json(state.completed_at) or ""),
            ("file removed", output.as_json(state.expired_at) or ""),
            ("error", state.error_message or ""),
            ("download", state.download_url or ""),
            *(("event", _event(one)) for one in getattr(state, "events", ())),
        ]
    )


@commands.command("download", cls=exits.Command)
def download(
    id: Id,
    target: Target = None,
    timeout: Timeout = None,
    json: options.Json = False,
    profile: options.Profile = None,
) -> None:
    """Wait for an export and fetch its file. Goes on where an earlier download broke off.

    Without -o the file goes into this folder, by the name that the server gives it.
    """
    _check_place(target)
    with options.client(profile) as client:
        resumed_by = watching.resume(id, str(target) if target else None, profile)
        found = watching.find(client, id, timeout, resumed_by)
        _watch(found, target or Path(found.filename), timeout, resumed_by, json)


@commands.command("cancel", cls=exits.Command)
def cancel(ids: Ids, json: options.Json = False, profile: options.Profile = None) -> None:
    """End exports that are not done yet."""
    _each(ids, profile, json, lambda one: one.cancel(), "is cancelled")


@commands.command("retry", cls=exits.Command)
def retry(ids: Ids, json: options.Json = False, profile: options.Profile = None) -> None:
    """Start exports again that failed or were cancelled."""
    _each(ids, profile, json, lambda one: one.retry(), "has begun again")


@commands.command("delete", cls=exits.Command)
def delete(ids: Ids, profile: options.Profile = None) -> None:
    """Delete exports, with their files on the server."""
    _each(ids, profile, False, lambda one: one.delete(), "is deleted")


def _each(ids: list[str], profile: str | None, json: bool, do: Callable[[Export], object], what: str) -> None:
    with options.client(profile) as client:
        for id in ids:
            one = client.find_export(id)
            do(one)
            if json:
                output.print_json(one.state)
            output.say(f"The export {one.id} {what}.")


def _rows(one: Export) -> str:
    written, total = one.state.progress.rows_written, one.state.progress.rows_total
    if one.state.record_count is not None:
        return output.number(one.state.record_count)
    if one.status == "processing" and total is not None:
        return f"{written:,} of {total:,}"
    return ""


def _age(at: datetime) -> str:
    seconds = max(0, int((datetime.now(timezone.utc) - at).total_seconds()))
    for unit, length in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"


def _event(one: Any) -> str:
    told = f"{output.as_json(one.at)} {one.type_.value.lower().replace('_', ' ')}"
    by = f" by the key {one.key_prefix}…" if one.key_prefix else ""
    return told + by + (f": {one.message}" if one.message else "")
