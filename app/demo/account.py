"""The account `demo`: its results and its key."""

from dataclasses import dataclass
from datetime import date

from sqlmodel import Session, select

from app import auth
from app.demo import results, reviewing
from app.demo.results import Told
from app.errors import Unauthenticated
from app.history import recording, reviews
from app.history.recording import Result
from app.models import Review, Scope
from app.runtime import Runtime

ACCOUNT = "demo"


@dataclass(frozen=True)
class Filled:
    recorded: int
    already_known: int
    key: str


def fill(runtime: Runtime, today: date) -> Filled:
    """Records the demo's results up to today; the key is kept in the data folder, so that it can be printed again."""
    told = list(results.told(today))
    made = [Result.model_validate(one.result) for one in told]
    with runtime.database.write() as session:
        account_id = auth.account_id(session, ACCOUNT, create=True)
        outcome = recording.record(session, account_id, made)
    key = _key(runtime, account_id)
    if outcome.recorded:
        with runtime.database.write() as session:
            _review(session, account_id, told, key)
    return Filled(outcome.recorded, outcome.already_known, key)


def _review(session: Session, account_id: int, told: list[Told], key: str) -> None:
    """Reviews what nobody has reviewed."""
    reviewed = set(session.exec(select(Review.description_id).where(Review.account_id == account_id)))
    given = reviewing.reviews(one for one in told if one.result["id"] not in reviewed)
    reviews.add(session, account_id, auth.prefix_of(key), given)


def _key(runtime: Runtime, account_id: int) -> str:
    path = runtime.settings.data_dir / "demo-key"
    if path.is_file():
        key = path.read_text().strip()
        try:
            if runtime.database.answer_now(auth.ask_principal(f"Bearer {key}")).account_id == account_id:
                return key
        except Unauthenticated:
            pass  # revoked, or of another database
    path.parent.mkdir(parents=True, exist_ok=True)
    path.touch(mode=0o600)
    with runtime.database.write() as session:
        key = auth.create_key(session, account_id, Scope.ADMIN, name="the demo")
    path.write_text(key + "\n")
    return key
