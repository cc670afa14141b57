"""A believable history for the demo account, made from nothing but the calendar."""

import datetime
from collections.abc import Iterator
from itertools import islice
from random import Random
from typing import Any, NamedTuple

from app.demo.phrases import CLOSINGS, ERRORS, REVIEWERS, THEMES, Rule, Theme

DAYS = 120
MONDAY_TO_SUNDAY = (1.2, 1.3, 1.3, 1.25, 1.1, 0.5, 0.35)
HOURS = (1, 1, 1, 1, 1, 2, 4, 10, 18, 22, 22, 18, 13, 18, 20, 18, 13, 8, 5, 4, 3, 2, 1)
AVERAGE_DAY = datetime.date(2026, 10, 1)
GROWTH_PER_DAY = 1.0007
BATCH_SHARE = 0.085
FAILED_IMAGES = 0.037
MODELS = {"lookout-large": 1900, "lookout-small": 520, "lookout-ocr": 760}
PROMPTS = {
    "description": ("prm_caption", "prm_detail"),
    "extraction": ("prm_text",),
    "rule": ("prm_rule",),
}


class Dice(Random):
    def chance(self, share: float) -> bool:
        return self.random() < share

    def score(self) -> float:
        return round(self.betavariate(7, 1.4), 4)

    def id(self, prefix: str) -> str:
        return f"{prefix}_{self.getrandbits(48):012x}"


class Answer(NamedTuple):
    kind: str
    text: str | None
    score: float | None = None
    verification: dict[str, str] | None = None
    error: str | None = None


def results(today: datetime.date, count: int = 5000) -> Iterator[dict[str, Any]]:
    """The results of the 120 days before `today`, oldest first; about `count` in autumn 2026, slowly more later.

    A day's results depend on that day alone: a later run repeats them exactly, a larger `count` only adds to them.
    """
    for age in range(DAYS, 0, -1):
        yield from _day(today - datetime.timedelta(days=age), count / DAYS)


def _day(day: datetime.date, average: float) -> list[dict[str, Any]]:
    dice = Dice(day.isoformat())
    trend = GROWTH_PER_DAY ** (day - AVERAGE_DAY).days
    expected = average * trend * MONDAY_TO_SUNDAY[day.weekday()] * dice.uniform(0.85, 1.15)
    quota = int(expected + dice.random())
    return sorted(islice(_uploads(dice, day), quota), key=lambda result: (result["created_at"], result["id"]))


def _uploads(dice: Dice, day: datetime.date) -> Iterator[dict[str, Any]]:
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
            image_id = dice.id("img")
            for answer in _answers(dice, theme, day):
                at += datetime.timedelta(milliseconds=dice.randrange(300, 2500))
                yield {
                    "id": dice.id("desc"),
                    "type": answer.kind,
                    "status": "failed" if answer.error else "completed",
                    "source_type": source[0],
                    "source_id": source[1],
                    "created_at": at,
                    "image_url": f"https://images.example.com/{theme.name}/{day:%Y/%m}/{image_id}.jpg",
                    "image_id": image_id,
                    "description": answer.text,
                    "confidence_score": answer.score,
                    "verification": answer.verification,
                    "metadata": _metadata(dice, theme, answer, day) | camera,
                    "error_message": answer.error,
                }


def _answers(dice: Dice, theme: Theme, day: datetime.date) -> Iterator[Answer]:
    """All that is said about one image; an image that cannot be read gets one failed answer."""
    slots = _slots(dice, theme, day)
    kinds = ["description"]
    if dice.chance(0.35):
        kinds.append("description")
    if theme.extractions and dice.chance(0.4):
        kinds.append("extraction")
    if theme.rules and dice.chance(0.4):
        kinds.append("rule")
    if dice.chance(FAILED_IMAGES):
        yield Answer(dice.choice(kinds), None, error=dice.choice(ERRORS))
        return
    captions = iter(dice.sample(theme.descriptions, 2))
    for kind in kinds:
        if kind == "description":
            closing = f" {dice.choice(CLOSINGS)}" if dice.chance(0.4) else ""
            yield Answer(kind, _sentence(next(captions), slots) + closing)
        elif kind == "extraction":
            yield Answer(kind, dice.choice(theme.extractions).format_map(slots), dice.score())
        else:
            yield _verdict(dice, dice.choice(theme.rules), slots)


def _verdict(dice: Dice, rule: Rule, slots: dict[str, str]) -> Answer:
    word, evidence = ("met", rule.met) if dice.chance(0.8) else ("not met", rule.broken)
    score = dice.score()
    verification = None
    if dice.chance(0.45):
        verdict = "confirmed" if dice.chance(score + 0.1) else "rejected"
        verification = {"method": "human", "verdict": verdict, "reviewer": dice.choice(REVIEWERS)}
    return Answer("rule", f"{rule.statement}: {word}. {_sentence(evidence, slots)}", score, verification)


def _metadata(dice: Dice, theme: Theme, answer: Answer, day: datetime.date) -> dict[str, Any]:
    model = "lookout-ocr" if answer.kind == "extraction" else dice.choice(("lookout-large", "lookout-small"))
    return {
        "model": model,
        "version": f"{day.year}.{(day.month + 2) // 3}",
        "prompt_id": dice.choice(PROMPTS[answer.kind]),
        "latency_ms": int(MODELS[model] * dice.uniform(0.6, 1.7)),
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
