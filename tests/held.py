"""An export in the hands of a test."""

from datetime import timedelta

import sqlalchemy
from sqlmodel import Session, col

from app.exports import claims, files, lifecycle
from app.exports.claims import Claim
from app.exports.formats import ExportFormat
from app.exports.lifecycle import Receipt
from app.exports.requests import ExportRequest
from app.history.filters import DescriptionFilter
from app.models import Export
from tests.conftest import Account


class Held:
    """An export that the test writes in place of a worker, however slow the machine is."""

    def __init__(self, account: Account) -> None:
        self.database = account.database
        with self.database.write() as session:
            row = lifecycle.create(
                session, account.id, ExportRequest(format=ExportFormat.CSV, filter=DescriptionFilter())
            )
            claim = claims.claim(session, account.id, row.id, at_a_time=9)
            assert claim is not None
            self.claim: Claim = claim
            self._keep(session)
        self.id = str(row.id)

    def move(self, written: int, total: int) -> None:
        with self.database.write() as session:
            assert claims.renew(session, self.claim, rows_written=written, rows_total=total)
            self._keep(session)

    def complete(self, rows: int) -> None:
        with self.database.write() as session:
            receipt = Receipt(rows, 1, "0" * 64, lifecycle.clock(session))
            assert claims.complete(session, self.claim, receipt, object_key=files.object_key(self.claim.export))

    def fail(self, message: str) -> None:
        with self.database.write() as session:
            assert claims.fail(session, self.claim, message)

    def _keep(self, session: Session) -> None:
        """No worker takes it back."""
        row = col(Export.id) == self.claim.export.id
        lease = {"lease_until": lifecycle.clock(session) + timedelta(hours=1)}
        session.connection().execute(sqlalchemy.update(Export).where(row).values(lease))
