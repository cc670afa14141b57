"""A believable history for the demo account, made from nothing but the calendar."""

import datetime
from collections.abc import Iterator
from itertools import islice
from random import Random
from typing import Any, NamedTuple

from app.demo import pictures
from app.demo.phrases import CLOSINGS, ERRORS, REVIEWERS, THEMES, UNREACHABLE, Rule, Theme

DAYS = 120
AGAIN_WITHIN_DAYS = 21
AGAIN_SHARE = 0.08
MONDAY_TO_SUNDAY = (1.2, 1.3, 1.3, 1.25, 1.1, 0.5, 0.35)
HOURS = (1, 1, 1, 1, 1, 2, 4, 10, 18, 22, 22, 18, 13, 18, 20, 18, 13, 8, 5, 4, 3, 2, 1)
AVERAGE_DAY = datetime.date(2026, 10, 1)
GROWTH_PER_DAY = 1.0007
BATCH_SHARE = 0.085
FAILED_IMAGES = 0.037
PROMPTS = {
    "description": ("prm_caption", "prm_detail"),
    "extraction": ("prm_text",),
    "rule": ("prm_rule",),
}


class Model(NamedTuple):
    """`errors` is the share of its texts that are wrong; `sure` and `unsure` shape its scores."""

    name: str
    milliseconds: int
    errors: float
    sure: float
    unsure: float


LARGE = Model("lookout-large", 1900, 0.03, 9, 1.1)
SMALL = Model("lookout-small", 520, 0.17, 4.2, 1.6)
OCR = Model("lookout-ocr", 760, 0.06, 7, 1.4)


class Dice(Random):
    def chance(self, share: float) -> bool:
        return self.random() < share

    def score(self, model: Model, *, wrong: bool) -> float:
        """Of a text of that model; it is less certain of most that is wrong."""
        return round(self.betavariate(model.sure, model.unsure) * (self.uniform(0.4, 0.95) if wrong else 1), 4)

    def id(self, prefix: str) -> str:
        return f"{prefix}_{self.getrandbits(48):012x}"


class Told(NamedTuple):
    """A result, and what its text should say; None where it failed."""

    result: dict[str, Any]
    right: str | None


class Answer(NamedTuple):
    kind: str
    model: Model
    text: str | None
    right: str | None
    score: float | None = None
    verification: dict[str, str] | None = None
    error: str | None = None


def results(today: datetime.date, count: int = 5000) -> Iterator[dict[str, Any]]:
    """Those of `told`."""
    return (one.result for one in told(today, count))


def told(today: datetime.date, count: int = 5000) -> Iterator[Told]:
    """The results of the 120 days before `today`, oldest first; about `count` in autumn 2026, slowly more later.

    What is said of a day's images depends on that day alone: a later run repeats it exactly, a larger `count` only
    adds to it. Some images are described again within three weeks.
    """
    first = today - datetime.timedelta(days=DAYS)
    later: list[Told] = []
    for age in range(DAYS + AGAIN_WITHIN_DAYS, 0, -1):
        day = today - datetime.timedelta(days=age)
        end = datetime.datetime.combine(day, datetime.time.max, datetime.UTC)
        made = later + _day(day, count / DAYS)
        later = [one for one in made if one.result["created_at"] > end]
        if day >= first:
            due = (one for one in made if one.result["created_at"] <= end)
            yield from sorted(due, key=lambda one: (one.result["created_at"], one.result["id"]))


def _day(day: datetime.date, average: float) -> list[Told]:
    """All that is ever said of the images of that day."""
    dice = Dice(day.isoformat())
    trend = GROWTH_PER_DAY ** (day - AVERAGE_DAY).days
    expected = average * trend * MONDAY_TO_SUNDAY[day.weekday()] * dice.uniform(0.85, 1.15)
    return list(islice(_uploads(dice, day), int(expected + dice.random())))


def _uploads(dice: Dice, day: datetime.date) -> Iterator[Told]:
    """Single images and bursts of them, without end."""
    while True:
        theme = dice.choices(THEMES, [theme.weight for theme in THEMES])[0]
        hour = dice.choices(range(len(HOURS)), HOURS)[0]
        at = datetime.datetime.combine(day, datetime.time(hour), datetime.UTC)
        at += datetime.timedelta(milliseconds=dice.randrange(3_600_000))
        is_batch = dice.chance(BATCH_SHARE)
        source = ("batch", dice.id("batch")) if is_batch else ("single", dice.id("op"))
        camera = {"camera": {"site": dice.choice(theme.sites), "id": dice.randint(1, 9)}} if theme.sites else {}
        for _ in range(dice.randint(5, 14) if is_batch else 1):
            slots = _slots(dice, theme, day)
            image = {"image_id": dice.id("img"), "image_url": pictures.url(theme, slots)}
            for answer in _answers(dice, theme, slots):
                at += datetime.timedelta(milliseconds=dice.randrange(300, 2500))
                yield Told(_result(dice, theme, answer, at, source, image, camera), answer.right)
            if answer.text and dice.chance(AGAIN_SHARE):
                answer = _description(dice, LARGE, theme, dice.choice(theme.descriptions), slots)
                later = at + datetime.timedelta(milliseconds=dice.randrange(3_600_000, AGAIN_WITHIN_DAYS * 86_400_000))
                again = ("single", dice.id("op"))
                yield Told(_result(dice, theme, answer, later, again, image, camera), answer.right)


def _result(
    dice: Dice,
    theme: Theme,
    answer: Answer,
    at: datetime.datetime,
    source: tuple[str, str],
    image: dict[str, str],
    camera: dict[str, Any],
) -> dict[str, Any]:
    return {
        "id": dice.id("desc"),
        "type": answer.kind,
        "status": "failed" if answer.error else "completed",
        "source_type": source[0],
        "source_id": source[1],
        "created_at": at,
        "image_url": None if answer.error in UNREACHABLE else image["image_url"],
        "image_id": image["image_id"],
        "description": answer.text,
        "confidence_score": answer.score,
        "verification": answer.verification,
        "metadata": _metadata(dice, theme, answer, at.date()) | camera,
        "error_message": answer.error,
    }


def _answers(dice: Dice, theme: Theme, slots: dict[str, str]) -> Iterator[Answer]:
    """All that is said about one image at once; an image that cannot be read gets one failed answer.

    Some are described by both models, mostly in the same words, so that what they see can be compared.
    """
    models = dice.choice(((LARGE, SMALL), (SMALL, LARGE)))
    if dice.chance(FAILED_IMAGES):
        yield Answer("description", models[0], None, None, error=dice.choice(ERRORS))
        return
    template = dice.choice(theme.descriptions)
    yield _description(dice, models[0], theme, template, slots)
    if dice.chance(0.27):
        other = template if dice.chance(0.6) else dice.choice(theme.descriptions)
        yield _description(dice, models[1], theme, other, slots)
    if theme.extractions and dice.chance(0.4):
        wrong = dice.chance(OCR.errors)
        text = dice.choice(theme.extractions).format_map(slots)
        yield Answer("extraction", OCR, _misread(text) if wrong else text, text, dice.score(OCR, wrong=wrong))
    if theme.rules and dice.chance(0.4):
        yield _verdict(dice, models[0], dice.choice(theme.rules), slots)


def _description(dice: Dice, model: Model, theme: Theme, template: str, slots: dict[str, str]) -> Answer:
    """Where the model errs, one phrase is not what the picture shows."""
    seen = slots
    if dice.chance(model.errors):
        slot = dice.choice(list(theme.slots))
        seen = slots | {slot: dice.choice(theme.slots[slot])}
    closing = f" {dice.choice(CLOSINGS)}" if dice.chance(0.4) else ""
    return Answer("description", model, _sentence(template, seen) + closing, _sentence(template, slots) + closing)


def _misread(text: str) -> str:
    return text.translate(str.maketrans("0158B", "OIS83"))


def _verdict(dice: Dice, model: Model, rule: Rule, slots: dict[str, str]) -> Answer:
    met = f"{rule.statement}: met. {_sentence(rule.met, slots)}"
    not_met = f"{rule.statement}: not met. {_sentence(rule.broken, slots)}"
    right, other = (met, not_met) if dice.chance(0.8) else (not_met, met)
    wrong = dice.chance(model.errors)
    score = dice.score(model, wrong=wrong)
    verification = None
    if dice.chance(0.2):
        verdict = "rejected" if wrong else "confirmed"
        verification = {"method": "human", "verdict": verdict, "reviewer": dice.choice(REVIEWERS)}
    return Answer("rule", model, other if wrong else right, right, score, verification)


def _metadata(dice: Dice, theme: Theme, answer: Answer, day: datetime.date) -> dict[str, Any]:
    return {
        "model": answer.model.name,
        "version": f"{day.year}.{(day.month + 2) // 3}",
        "prompt_id": dice.choice(PROMPTS[answer.kind]),
        "latency_ms": int(answer.model.milliseconds * dice.uniform(0.6, 1.7)),
        "tokens": {"input": dice.randrange(700, 1600), "output": len(answer.text or "") // 4},
        "tags": dice.sample(theme.tags, dice.randint(1, 3)) if answer.text else [],
    }


def _slots(dice: Dice, theme: Theme, day: datetime.date) -> dict[str, str]:
    return {name: dice.choice(phrases) for name, phrases in theme.slots.items()} | {
        "serial": f"{dice.choice('ABHKX')}{dice.randrange(10, 100)}-{dice.randrange(10_000, 100_000)}",
        "number": str(dice.randrange(10, 60)),
        "price": f"{dice.randrange(1, 250)}.{dice.choice(('00', '49', '90', '99'))}",
        "cold": f"-{dice.randrange(2, 17)}.{dice.randrange(10)}",
        "due": str(day + datetime.timedelta(days=dice.randrange(20, 400))),
        "hour": str(dice.randint(18, 23)),
        "phone": f"+44 20 7946 0{dice.randrange(1000):03}",
    }


def _sentence(template: str, slots: dict[str, str]) -> str:
    text = template.format_map(slots)
    return text[0].upper() + text[1:]
