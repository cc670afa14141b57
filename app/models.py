"""The tables.

Every key of what grows begins with `account_id`, so that the tables can be distributed or partitioned by it;
for the same reason no constraint reaches across accounts. `Account` and `ApiKey` are small reference tables.
"""

import uuid
from datetime import date, datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, Text, false, text
from sqlmodel import Field, SQLModel

from app.compression import Compression
from app.engine.dialects import Json, Name, Timestamp

BigKey = BigInteger().with_variant(Integer(), "sqlite")


def _only(condition: str) -> dict[str, Any]:
    """Of an index: it holds just the rows that satisfy this."""
    return {f"{engine}_where": text(condition) for engine in ("postgresql", "sqlite")}


class Scope(StrEnum):
    """What a key may do; each includes the ones before it."""

    READ = "read"
    WRITE = "write"
    ADMIN = "admin"


class DescriptionStatus(StrEnum):
    """Whether the model gave a result."""

    COMPLETED = "completed"
    FAILED = "failed"


class ExportStatus(StrEnum):
    """How far an export is."""

    PENDING = "pending"
    PROCESSING = "processing"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"


class ExportEventType(StrEnum):
    """What happened to an export."""

    CREATED = "created"
    STARTED = "started"
    HANDED_BACK = "handed_back"
    COMPLETED = "completed"
    FAILED = "failed"
    CANCELLED = "cancelled"
    RETRIED = "retried"
    EXPIRED = "expired"
    DELETED = "deleted"
    ERASED = "erased"


class Account(SQLModel, table=True):
    __tablename__ = "accounts"

    id: int | None = Field(default=None, sa_column=Column(BigKey, primary_key=True, autoincrement=True))
    name: str = Field(sa_column=Column(Name, nullable=False, unique=True))
    rate_limit: int | None = None
    created_at: datetime = Field(sa_type=Timestamp)


class ApiKey(SQLModel, table=True):
    __tablename__ = "api_keys"

    key_prefix: str = Field(sa_column=Column(Name, primary_key=True))
    account_id: int = Field(sa_type=BigKey, index=True)
    secret_hash: str
    scope: str
    active: bool = True
    created_at: datetime = Field(sa_type=Timestamp)
    expires_at: datetime | None = Field(default=None, sa_type=Timestamp)
    name: str | None = None
    last_used_at: datetime | None = Field(default=None, sa_type=Timestamp)
    rate_limit: int | None = None
    limited_by_operator: bool = Field(default=False, sa_column_kwargs={"server_default": false()})


class BrowserSession(SQLModel, table=True):
    """A person who signed in with a key, in one browser. Its cookie holds the token, of which only the hash is kept."""

    __tablename__ = "sessions"
    __table_args__ = (Index("ix_sessions_key", "key_prefix", "last_seen_at"),)

    token_hash: str = Field(sa_column=Column(Name, primary_key=True))
    key_prefix: str = Field(sa_type=Name)
    created_at: datetime = Field(sa_type=Timestamp)
    last_seen_at: datetime = Field(sa_type=Timestamp, index=True)
    expires_at: datetime = Field(sa_type=Timestamp, index=True)


class SignInLink(SQLModel, table=True):
    """A link that begins one session with a key. Its row goes when it is used."""

    __tablename__ = "sign_in_links"

    token_hash: str = Field(sa_column=Column(Name, primary_key=True))
    key_prefix: str = Field(sa_type=Name, index=True)
    created_at: datetime = Field(sa_type=Timestamp)
    expires_at: datetime = Field(sa_type=Timestamp, index=True)


class Description(SQLModel, table=True):
    """One thing that a model said about an image. A fact: it is recorded once and never changed.

    `search_text` is the description with its case folded (Unicode default caseless matching), so that searching
    ignores case in the same way on every engine. `review_state` and `review` repeat the newest of its reviews, as it is
    shown; NULL where there is none. `replaced_at` is when it last got other content, or came back
    after it was erased; NULL: never.
    """

    __tablename__ = "descriptions"
    __table_args__ = (
        Index(
            "ix_descriptions_newest",
            *("account_id", "created_at", "id", "source_type", "confidence_score"),
            postgresql_include=["status"],
        ),
        Index("ix_descriptions_certainty", *("account_id", "confidence_score", "created_at", "id", "review_state")),
        Index("ix_descriptions_image", "account_id", "image_id"),
        Index("ix_descriptions_source", "account_id", "source_id"),
        Index(
            "ix_descriptions_reviewed",
            *("account_id", "review_state", "created_at", "id", "source_type", "confidence_score"),
            postgresql_include=["status"],
            **_only("review_state IS NOT NULL"),
        ),
        Index(
            "ix_descriptions_search",
            "search_text",
            postgresql_using="gin",
            postgresql_ops={"search_text": "gin_trgm_ops"},
        ).ddl_if(dialect="postgresql"),
        CheckConstraint("confidence_score BETWEEN 0 AND 1", name="ck_descriptions_confidence_score"),
    )

    account_id: int = Field(sa_column=Column(BigKey, primary_key=True, autoincrement=False))
    id: str = Field(sa_column=Column(Name, primary_key=True))
    type: str = Field(sa_type=Name)
    status: str = Field(sa_type=Name)
    source_type: str = Field(sa_type=Name)
    source_id: str | None = None
    created_at: datetime = Field(sa_type=Timestamp)
    image_url: str | None = None
    description: str | None = Field(default=None, sa_type=Text)
    search_text: str | None = Field(default=None, sa_type=Text)
    confidence_score: float | None = None
    verification: Any = Field(default=None, sa_column=Column(Json))
    image_id: str | None = None
    metadata_: dict[str, Any] = Field(sa_column=Column("metadata", Json, nullable=False))
    error_message: str | None = None
    review_state: str | None = Field(default=None, sa_type=Name)
    review: Any = Field(default=None, sa_column=Column(Json))
    replaced_at: datetime | None = Field(default=None, sa_type=Timestamp)


class Erased(SQLModel, table=True):
    """The tombstone of a result that was erased, and is not recorded again unless somebody forces it. `key_prefix`
    tells the key that erased it, NULL the operator.
    """

    __tablename__ = "erased"
    __table_args__ = (Index("ix_erased_at", "account_id", "at", "id"),)

    account_id: int = Field(sa_column=Column(BigKey, primary_key=True, autoincrement=False))
    id: str = Field(sa_column=Column(Name, primary_key=True))
    at: datetime = Field(sa_type=Timestamp)
    key_prefix: str | None = Field(default=None, sa_type=Name)


class Review(SQLModel, table=True):
    """What somebody with the key `key_prefix` found of a result, in the order of `number`. A fact, as the result is:
    whoever thinks otherwise adds another. `text` is what the result should say.
    """

    __tablename__ = "reviews"

    account_id: int = Field(sa_column=Column(BigKey, primary_key=True, autoincrement=False))
    description_id: str = Field(sa_column=Column(Name, primary_key=True))
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    verdict: str = Field(sa_type=Name)
    text: str | None = Field(default=None, sa_type=Text)
    note: str | None = Field(default=None, sa_type=Text)
    key_prefix: str = Field(sa_type=Name)
    at: datetime = Field(sa_type=Timestamp)


class StatisticsGroup(SQLModel, table=True):
    """Results of one account that the statistics do not tell apart: how many, and the sum of their scores.

    `bin` is 0 to 9, or -1 without a score, and `units` are billionths (see `scores`).
    """

    __tablename__ = "statistics_groups"

    account_id: int = Field(sa_column=Column(BigKey, primary_key=True, autoincrement=False))
    day: date = Field(primary_key=True)
    source_type: str = Field(sa_column=Column(Name, primary_key=True))
    type: str = Field(sa_column=Column(Name, primary_key=True))
    status: str = Field(sa_column=Column(Name, primary_key=True))
    bin: int = Field(primary_key=True)
    count: int = Field(sa_type=BigInteger)
    units: int = Field(sa_type=BigInteger)


class History(SQLModel, table=True):
    """One account's history as a whole. `revision` grows with every recording, in the same transaction, so that two
    snapshots with one revision hold the same results.

    `deleted_at`: since then the account is being deleted, or is; nothing is added to it, and its number is not given to
    another. The row stays.
    """

    __tablename__ = "histories"

    account_id: int = Field(sa_column=Column(BigKey, primary_key=True, autoincrement=False))
    revision: int = Field(sa_type=BigInteger)
    deleted_at: datetime | None = Field(default=None, sa_type=Timestamp)


class Export(SQLModel, table=True):
    """An export: what was asked for, how far it is, and what came out.

    `view` is what was seen of the history before, where it was asked for by that: `total` and `revision`, and what they
    were when it was asked for, `total_at_request` and `revision_at_request`. The file is of `snapshot_revision`.

    `row_limit` is how many of the newest are wanted, `max_rows` how many matches it may have otherwise; None: all.
    `options` are those of its format alone, `notes` what the receipt tells besides rows and bytes: a count by its name.

    `attempt` is the fencing number: it grows with every claim, and only its holder may write the row until
    `lease_until`. `dirty` says that files of attempts may lie in the storage beside `object_key`, the result.
    """

    __tablename__ = "exports"
    __table_args__ = (
        Index("ix_exports_newest", "account_id", "created_at", "id"),
        Index("ix_exports_status", "status", "lease_until"),
        Index("ix_exports_waiting", "account_id", "created_at", "id", **_only("status = 'pending'")),
        Index("ix_exports_dirty", "completed_at", **_only("dirty")),
        Index("ix_exports_kept", "completed_at", **_only("object_key IS NOT NULL")),
        Index("ix_exports_idempotency_key", "account_id", "idempotency_key"),
    )

    account_id: int = Field(sa_column=Column(BigKey, primary_key=True, autoincrement=False))
    id: uuid.UUID = Field(default_factory=uuid.uuid4, primary_key=True)
    status: str = Field(default=ExportStatus.PENDING, sa_type=Name)
    format: str
    filter: dict[str, Any] = Field(sa_column=Column(Json, nullable=False))
    columns: list[Any] = Field(sa_column=Column(Json, nullable=False))
    row_limit: int | None = None
    max_rows: int | None = Field(default=None, sa_type=BigInteger)
    compression: str = Field(default=Compression.NONE, sa_column_kwargs={"server_default": Compression.NONE.value})
    options: dict[str, Any] | None = Field(default=None, sa_column=Column(Json))
    created_at: datetime = Field(sa_type=Timestamp)
    started_at: datetime | None = Field(default=None, sa_type=Timestamp)
    completed_at: datetime | None = Field(default=None, sa_type=Timestamp)

    attempt: int = 0
    failures: int = 0
    lease_until: datetime | None = Field(default=None, sa_type=Timestamp)
    not_before: datetime | None = Field(default=None, sa_type=Timestamp)
    sent_at: datetime | None = Field(default=None, sa_type=Timestamp)
    dirty: bool = False

    rows_written: int = Field(default=0, sa_type=BigInteger)
    rows_total: int | None = Field(default=None, sa_type=BigInteger)
    error_message: str | None = None
    object_key: str | None = None
    bytes: int | None = Field(default=None, sa_type=BigInteger)
    sha256: str | None = None
    snapshot_at: datetime | None = Field(default=None, sa_type=Timestamp)
    notes: dict[str, int] | None = Field(default=None, sa_column=Column(Json))
    snapshot_revision: int | None = Field(default=None, sa_type=BigInteger)
    view: dict[str, int] | None = Field(default=None, sa_column=Column(Json))
    signed_receipt: str | None = Field(default=None, sa_type=Text)

    deleted_at: datetime | None = Field(default=None, sa_type=Timestamp)
    expired_at: datetime | None = Field(default=None, sa_type=Timestamp)
    idempotency_key: str | None = None
    request_hash: str | None = None


class ReceiptKey(SQLModel, table=True):
    """A public key whose private key has signed receipts. It stays when another signs, so that they can be checked."""

    __tablename__ = "receipt_keys"

    key_id: str = Field(sa_column=Column(Name, primary_key=True))
    public_key: str
    created_at: datetime = Field(sa_type=Timestamp)


class ExportEvent(SQLModel, table=True):
    """What happened to an export, in the order of `number`; it goes with the export. `key_prefix` tells the key that
    did it, NULL a worker or an operator.
    """

    __tablename__ = "export_events"

    account_id: int = Field(sa_column=Column(BigKey, primary_key=True, autoincrement=False))
    export_id: uuid.UUID = Field(primary_key=True)
    number: int = Field(sa_column=Column(Integer, primary_key=True, autoincrement=False))
    type: str = Field(sa_type=Name)
    at: datetime = Field(sa_type=Timestamp)
    attempt: int
    key_prefix: str | None = Field(default=None, sa_type=Name)
    message: str | None = None


class Job(SQLModel, table=True):
    """What the job of that name is to do with the subject, which is empty where it is the account as a whole.

    The row goes when that was done as often as it was ordered; for its lease see `app/jobs/leases.py`.
    """

    __tablename__ = "jobs"
    __table_args__ = (Index("ix_jobs_status", "status", "not_before"),)

    account_id: int = Field(sa_column=Column(BigKey, primary_key=True, autoincrement=False))
    name: str = Field(sa_column=Column(Name, primary_key=True))
    subject: str = Field(sa_column=Column(Name, primary_key=True))
    status: str = Field(default="pending", sa_type=Name)
    created_at: datetime = Field(sa_type=Timestamp)
    orders: int = 1
    attempt: int = 0
    failures: int = 0
    lease_until: datetime | None = Field(default=None, sa_type=Timestamp)
    not_before: datetime | None = Field(default=None, sa_type=Timestamp)
    sent_at: datetime | None = Field(default=None, sa_type=Timestamp)
    last_error: str | None = None
