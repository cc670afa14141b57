"""What Alembic runs for each command; the connection is the one that `app.migrations.migrate` opened."""

from alembic import context
from sqlmodel import SQLModel

from app import models  # noqa: F401

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=SQLModel.metadata,
    render_as_batch=True,
    transaction_per_migration=True,
)
with context.begin_transaction():
    context.run_migrations()
