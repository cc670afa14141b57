"""What is said of a result by who reviews it."""

from enum import StrEnum


class Verdict(StrEnum):
    """That the result is right, that it is wrong, or what it should say."""

    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CORRECTED = "corrected"


class ReviewState(StrEnum):
    """The newest verdict on a result, or that there is none yet."""

    UNREVIEWED = "unreviewed"
    ACCEPTED = "accepted"
    REJECTED = "rejected"
    CORRECTED = "corrected"
