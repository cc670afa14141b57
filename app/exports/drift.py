"""Whether the history is still what was seen of it, when an export is asked for by a view."""

from dataclasses import dataclass

from sqlmodel import Session

from app.errors import Drifted
from app.history import rollup
from app.history.views import View
from app.runtime import Runtime


@dataclass(frozen=True)
class Drift:
    """How many matched and at which revision: when it was seen, and when the export was asked for."""

    total: int
    revision: int
    total_at_request: int
    revision_at_request: int


def since(runtime: Runtime, session: Session, view: View, *, allowed: bool) -> Drift:
    """Matches are counted only where the history has changed at all. Drifted where it has, unless that is allowed."""
    ask, account_id = runtime.database.answer_in, view.account_id
    revision, total = ask(session, rollup.ask_revision(account_id)), view.total
    if revision != view.revision:
        total = ask(session, runtime.statistics.ask(account_id, view.filter)).total_count
        if not allowed:
            raise Drifted(view.total, total)
    return Drift(view.total, view.revision, total, revision)
