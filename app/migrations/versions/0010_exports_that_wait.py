"""An index of the exports that wait, so that thousands of them cost the others nothing."""

from alembic import op

from app.migrations import indexes

revision = "0010"
down_revision = "0009"


def upgrade() -> None:
    indexes.build("ix_exports_waiting", "exports", ["account_id", "created_at", "id"], where="status = 'pending'")


def downgrade() -> None:
    op.drop_index("ix_exports_waiting", "exports")
