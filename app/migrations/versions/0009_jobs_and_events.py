"""What is to be done later, and what happened to exports."""

import sqlalchemy as sa
from alembic import op

from app.engine.dialects import Name, Timestamp

revision = "0009"
down_revision = "0008"

_BIG_KEY = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    op.create_table(
        "export_events",
        sa.Column("account_id", _BIG_KEY, nullable=False, autoincrement=False),
        sa.Column("export_id", sa.Uuid(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False, autoincrement=False),
        sa.Column("type", Name, nullable=False),
        sa.Column("at", Timestamp(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("key_prefix", Name),
        sa.Column("message", sa.String()),
        sa.PrimaryKeyConstraint("account_id", "export_id", "number"),
    )
    op.create_table(
        "jobs",
        sa.Column("account_id", _BIG_KEY, nullable=False, autoincrement=False),
        sa.Column("name", Name, nullable=False),
        sa.Column("subject", Name, nullable=False),
        sa.Column("status", Name, nullable=False),
        sa.Column("created_at", Timestamp(), nullable=False),
        sa.Column("orders", sa.Integer(), nullable=False),
        sa.Column("attempt", sa.Integer(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("lease_until", Timestamp()),
        sa.Column("not_before", Timestamp()),
        sa.Column("sent_at", Timestamp()),
        sa.Column("last_error", sa.String()),
        sa.PrimaryKeyConstraint("account_id", "name", "subject"),
    )
    op.create_index("ix_jobs_status", "jobs", ["status", "not_before"])


def downgrade() -> None:
    op.drop_table("jobs")
    op.drop_table("export_events")
