"""What people found of the demo's results: they looked at a part of them, at those of which a model was less certain
more often.
"""

from collections.abc import Iterable

from app.demo.results import Dice, Told
from app.history.reviews import Content, NewReview
from app.history.verdicts import Verdict

_NOTES = ("Not what the picture shows.", "Please describe it again.", "Wrong, and certain of it.")


def reviews(told: Iterable[Told]) -> list[NewReview]:
    """Those of the results that somebody looked at: the same ones, and with the same verdict, whenever it is asked."""
    return [NewReview(one.result["id"], _content(one)) for one in told if one.right is not None and _is_reviewed(one)]


def _is_reviewed(one: Told) -> bool:
    """A result that was recorded with a verification of its own needs no review."""
    score = one.result["confidence_score"]
    share = 0.08 if score is None else 0.35 if score < 0.6 else 0.06
    return one.result["verification"] is None and Dice(f"{one.result['id']} is looked at").chance(share)


def _content(one: Told) -> Content:
    dice = Dice(f"{one.result['id']} is reviewed")
    if one.result["description"] == one.right:
        return Content(Verdict.ACCEPTED)
    if dice.chance(0.7):
        return Content(Verdict.CORRECTED, text=one.right)
    return Content(Verdict.REJECTED, note=dice.choice(_NOTES))
