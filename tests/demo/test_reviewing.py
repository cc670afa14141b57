import datetime
from collections import Counter

from sqlmodel import col, select

from app import auth
from app.demo import account, results, reviewing
from app.models import Description, Review
from app.runtime import Runtime

TODAY = datetime.date(2026, 11, 23)


def test_a_part_is_reviewed_and_what_is_wrong_is_not_accepted() -> None:
    told = {one.result["id"]: one for one in results.told(TODAY)}
    given = reviewing.reviews(told.values())
    assert given == reviewing.reviews(told.values())
    assert 300 < len(given) < 600
    for review in given:
        one = told[review.description_id]
        is_right = one.result["description"] == one.right
        assert (review.content.verdict == "accepted") == is_right
        assert review.content.text in (None, one.right)
        assert one.result["verification"] is None
    assert Counter(review.content.verdict.value for review in given).keys() == {"accepted", "rejected", "corrected"}


def states(core: Runtime) -> dict[str, int]:
    with core.database.read() as session:
        account_id = auth.account_id(session, account.ACCOUNT)
        found = session.exec(
            select(Description.review_state).where(
                Description.account_id == account_id, col(Description.review_state).is_not(None)
            )
        )
        rows = session.exec(select(Review.description_id).where(Review.account_id == account_id)).all()
    assert len(rows) == len(set(rows))
    return Counter(state or "" for state in found)


def test_a_later_run_reviews_only_what_is_new(core: Runtime) -> None:
    account.fill(core, TODAY)
    first = states(core)
    assert first["accepted"] > 250
    account.fill(core, TODAY)
    assert states(core) == first
    account.fill(core, TODAY + datetime.timedelta(days=30))
    assert sum(states(core).values()) > sum(first.values())
