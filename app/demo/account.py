"""The account `demo`: its results and its key."""

from dataclasses import dataclass
from datetime import date

from app import auth
from app.demo import results
from app.errors import Unauthenticated
from app.history import recording
from app.history.recording import Result
from app.models import Scope
from app.runtime import Runtime

ACCOUNT = "demo"


@dataclass(frozen=True)
class Filled:
    recorded: int
    already_known: int
    key: str


def fill(runtime: Runtime, today: date) -> Filled:
    """Records the demo's results up to today; the key is kept in the data folder, so that it can be printed again."""
    made = [Result.model_validate(values) for values in results.results(today)]
    with runtime.database.write() as session:
        account_id = auth.account_id(session, ACCOUNT, create=True)
        outcome = recording.record(session, account_id, made)
    return Filled(outcome.recorded, outcome.already_known, _key(runtime, account_id))


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
        key = auth.create_key(session, account_id, Scope.WRITE)
    path.write_text(key + "\n")
    return key
