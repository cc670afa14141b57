"""Accounts, keys, the history and its exports."""

import sqlalchemy as sa
from alembic import op

from app.engine.dialects import Json, Name, Timestamp

revision = "0001"
down_revision = None

_BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("id", _BIG_KEY, primary_key=True, autoincrement=True),
        sa.Column("name", Name, nullable=False, unique=True),
        sa.Column("rate_limit", sa.Integer()),
        sa.Column("created_at", Timestamp(), nullable=False),
    )
    op.create_table(
        "api_keys",
        sa.Column("key_prefix", Name, primary_key=True),
        sa.Column("account_id", _BIG_KEY, nullable=False, index=True),
        sa.Column("secret_hash", sa.String(), nullable=False),
        sa.Column("scope", sa.String(), nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("expires_at", Timestamp()),
    )
    op.create_table(
        "descriptions",
        sa.Column("account_id", _BIG_KEY, nullable=False, autoincrement=False),
        sa.Column("id", Name, nullable=False),
        sa.Column("type", Name, nullable=False),
        sa.Column("status", Name, nullable=False),
        sa.Column("source_type", Name, nullable=False),
        sa.Column("source_id", sa.String()),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("image_url", sa.String()),
        sa.Column("description", sa.Text()),
        sa.Column("search_text", sa.Text()),
        sa.Column("confidence_score", sa.Float()),
        sa.Column("verification", Json),
        sa.Column("image_id", sa.String()),
        sa.Column("metadata", Json, nullable=False),
        sa.Column("error_message", sa.String()),
        sa.PrimaryKeyConstraint("account_id", "id"),
        sa.CheckConstraint("confidence_score BETWEEN 0 AND 1", name="ck_descriptions_confidence_score"),
    )
    op.create_index("ix_descriptions_newest", "descriptions", ["account_id", "created_at", "id"])
    if op.get_bind().dialect.name == "postgresql":
        op.execute("CREATE EXTENSION IF NOT EXISTS pg_trgm")
        op.execute("CREATE INDEX ix_descriptions_search ON descriptions USING gin (search_text gin_trgm_ops)")
    op.create_table(
        "exports",
        sa.Column("account_id", _BIG_KEY, nullable=False, autoincrement=False),
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("status", Name, nullable=False),
        sa.Column("format", sa.String(), nullable=False),
        sa.Column("filter", Json, nullable=False),
        sa.Column("columns", Json, nullable=False),
        sa.Column("row_limit", sa.Integer()),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("started_at", Timestamp()),
        sa.Column("completed_at", Timestamp()),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("lease_until", Timestamp()),
        sa.Column("not_before", Timestamp()),
        sa.Column("sent_at", Timestamp()),
        sa.Column("dirty", sa.Boolean(), nullable=False),
        sa.Column("rows_written", sa.BigInteger(), nullable=False),
        sa.Column("rows_total", sa.BigInteger()),
        sa.Column("error_message", sa.String()),
        sa.Column("object_key", sa.String()),
        sa.Column("bytes", sa.BigInteger()),
        sa.Column("sha256", sa.String()),
        sa.Column("snapshot_at", Timestamp()),
        sa.Column("deleted_at", Timestamp()),
        sa.Column("expired_at", Timestamp()),
        sa.Column("idempotency_key", sa.String()),
        sa.Column("request_hash", sa.String()),
        sa.PrimaryKeyConstraint("account_id", "id"),
    )
    op.create_index("ix_exports_newest", "exports", ["account_id", "created_at", "id"])
    op.create_index("ix_exports_status", "exports", ["status", "lease_until"])
    op.create_index("ix_exports_idempotency_key", "exports", ["account_id", "idempotency_key"])


def downgrade() -> None:
    for table in ("exports", "descriptions", "api_keys", "accounts"):
        op.drop_table(table)
