"""Keys have names and tell when they were last used; whoever counts results raises the revision of their history."""

import sqlalchemy as sa
from alembic import op

from app.engine.dialects import Timestamp

revision = "0005"
down_revision = "0004"

# At the end of the transaction, as `rollup.add` does, so that two who record wait for each other and never in a circle.
_POSTGRESQL = """
CREATE FUNCTION raise_revision() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO histories AS history (account_id, revision) VALUES (coalesce(NEW.account_id, OLD.account_id), 1)
    ON CONFLICT (account_id) DO UPDATE SET revision = history.revision + 1
    WHERE history.xmin <> pg_current_xact_id()::xid;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER raise_revision AFTER INSERT OR UPDATE OR DELETE ON statistics_groups
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION raise_revision();
"""
_SQLITE = """
CREATE TRIGGER raise_revision_{event} AFTER {event} ON statistics_groups BEGIN
    INSERT INTO histories (account_id, revision) VALUES ({row}.account_id, 1)
    ON CONFLICT (account_id) DO UPDATE SET revision = revision + 1;
END
"""
_EVENTS = {"insert": "NEW", "update": "NEW", "delete": "OLD"}


def upgrade() -> None:
    op.add_column("api_keys", sa.Column("name", sa.String()))
    op.add_column("api_keys", sa.Column("last_used_at", Timestamp()))
    if op.get_context().dialect.name == "postgresql":
        op.execute(_POSTGRESQL)
    else:
        for event, row in _EVENTS.items():
            op.execute(_SQLITE.format(event=event, row=row))


def downgrade() -> None:
    if op.get_context().dialect.name == "postgresql":
        op.execute("DROP TRIGGER raise_revision ON statistics_groups")
        op.execute("DROP FUNCTION raise_revision")
    else:
        for event in _EVENTS:
            op.execute(f"DROP TRIGGER raise_revision_{event}")
    op.drop_column("api_keys", "last_used_at")
    op.drop_column("api_keys", "name")
