"""Exports have options of their format, and notes in their receipt."""

import sqlalchemy as sa
from alembic import op

from app.engine.dialects import Json

revision = "0017"
down_revision = "0016"


def upgrade() -> None:
    op.add_column("exports", sa.Column("options", Json))
    op.add_column("exports", sa.Column("notes", Json))


def downgrade() -> None:
    op.drop_column("exports", "notes")
    op.drop_column("exports", "options")
