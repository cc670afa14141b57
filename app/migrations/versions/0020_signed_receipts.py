"""Receipts that are signed, and the public keys that tell. A process of the version before signs none."""

import sqlalchemy as sa
from alembic import op

from app.engine.dialects import Name, Timestamp

revision = "0020"
down_revision = "0019"


def upgrade() -> None:
    op.add_column("exports", sa.Column("signed_receipt", sa.Text()))
    op.create_table(
        "receipt_keys",
        sa.Column("key_id", Name, primary_key=True),
        sa.Column("public_key", sa.String(), nullable=False),
        sa.Column("created_at", Timestamp(), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("receipt_keys")
    op.drop_column("exports", "signed_receipt")
