"""An index for the results of an image."""

from alembic import op

from app.migrations import indexes

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    indexes.build("ix_descriptions_image", "descriptions", ["account_id", "image_id", "created_at", "id"])


def downgrade() -> None:
    op.drop_index("ix_descriptions_image", "descriptions")
