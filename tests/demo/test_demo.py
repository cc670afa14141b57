import datetime
import json
import os
import re
import subprocess
import sys
from collections import Counter
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from app.demo import results
from app.demo.phrases import ERRORS, THEMES, UNREACHABLE, Theme

ROOT = Path(__file__).parents[2]
TODAY = datetime.date(2026, 11, 23)
MIDNIGHT = datetime.datetime(2026, 11, 23, tzinfo=datetime.UTC)
KEYS = [
    "id",
    "type",
    "status",
    "source_type",
    "source_id",
    "created_at",
    "image_url",
    "image_id",
    "description",
    "confidence_score",
    "verification",
    "metadata",
    "error_message",
]

RESULTS = list(results.results(TODAY))
COMPLETED = [result for result in RESULTS if result["status"] == "completed"]
TEXTS = [result["description"] for result in COMPLETED]


def test_the_same_day_gives_the_same_results() -> None:
    assert list(results.results(TODAY)) == RESULTS


def test_another_process_gives_the_same_results() -> None:
    code = f"import datetime; from app.demo import results; print([r['id'] for r in results.results({TODAY!r}, 500)])"
    env = os.environ | {"PYTHONHASHSEED": "7"}
    out = subprocess.run([sys.executable, "-c", code], cwd=ROOT, env=env, check=True, capture_output=True, text=True)
    assert out.stdout.strip() == str([result["id"] for result in results.results(TODAY, 500)])


@pytest.mark.parametrize("later", [1, 7, 30])
def test_a_later_day_repeats_what_overlaps_and_adds_its_own_days(later: int) -> None:
    first = MIDNIGHT + datetime.timedelta(days=later - results.DAYS)
    rerun = list(results.results(TODAY + datetime.timedelta(days=later)))
    kept = [result for result in RESULTS if result["created_at"] >= first]
    assert rerun[: len(kept)] == kept
    assert len(rerun) > len(kept)
    assert all(result["created_at"] >= MIDNIGHT for result in rerun[len(kept) :])


def test_a_larger_count_only_adds() -> None:
    small = {result["id"]: result for result in results.results(TODAY, 500)}
    large = {result["id"]: result for result in RESULTS}
    assert 400 < len(small) < 600
    assert {id_: large[id_] for id_ in small} == small


def test_no_count_no_results() -> None:
    assert list(results.results(TODAY, 0)) == []


def test_ids_are_unique_and_say_what_they_name() -> None:
    assert len({result["id"] for result in RESULTS}) == len(RESULTS)
    prefixes = {"single": "op", "batch": "batch"}
    for result in RESULTS:
        assert re.fullmatch("desc_[0-9a-f]{12}", result["id"])
        assert re.fullmatch("img_[0-9a-f]{12}", result["image_id"])
        assert re.fullmatch(f"{prefixes[result['source_type']]}_[0-9a-f]{{12}}", result["source_id"])


def test_every_image_has_a_picture_unless_nobody_could_see_it() -> None:
    for result in RESULTS:
        if result["error_message"] in UNREACHABLE:
            assert result["image_url"] is None
        else:
            assert re.fullmatch(r"/demo/images/[a-z]+-[0-9]+\.svg", result["image_url"])
    assert len({result["image_url"] for result in RESULTS}) > 1500


def test_some_images_are_described_again_by_another_model_and_later() -> None:
    said: dict[str, list[dict[str, Any]]] = {}
    for result in RESULTS:
        if result["type"] == "description":
            said.setdefault(result["image_id"], []).append(result)
    several = [results for results in said.values() if len(results) > 1]
    assert 600 < len(several) < 1000
    assert sum(len({result["metadata"]["model"] for result in results}) > 1 for results in several) > 500
    spans = [results[-1]["created_at"] - results[0]["created_at"] for results in several]
    assert 100 < sum(span > datetime.timedelta(hours=1) for span in spans) < 300
    assert max(spans) < datetime.timedelta(days=22)


def test_some_texts_are_wrong_and_the_right_one_is_known() -> None:
    told = [one for one in results.told(TODAY) if one.right is not None]
    assert [one.result for one in told] == COMPLETED
    shares = {}
    for model in (results.LARGE, results.SMALL, results.OCR):
        of_model = [one for one in told if one.result["metadata"]["model"] == model.name]
        shares[model.name] = sum(one.result["description"] != one.right for one in of_model) / len(of_model)
    assert 0 < shares["lookout-large"] < 0.05 < shares["lookout-small"] < 0.2
    assert 0 < shares["lookout-ocr"] < 0.07


def test_the_smaller_model_is_less_certain() -> None:
    scores: dict[str, list[float]] = {}
    for result in COMPLETED:
        if result["confidence_score"] is not None:
            scores.setdefault(result["metadata"]["model"], []).append(result["confidence_score"])
    means = {model: sum(found) / len(found) for model, found in scores.items()}
    assert means["lookout-large"] > 0.85 > means["lookout-ocr"] > 0.78 > means["lookout-small"] > 0.6


def test_every_result_has_the_keys_in_order_and_plain_json_values() -> None:
    for result in RESULTS:
        assert list(result) == KEYS
        plain = {key: value for key, value in result.items() if key != "created_at"}
        assert json.loads(json.dumps(plain)) == plain


def test_times_ascend_to_the_millisecond_through_every_day_before_today() -> None:
    times = [result["created_at"] for result in RESULTS]
    assert all(earlier <= later for earlier, later in pairwise(times))
    assert all(time.tzinfo is datetime.UTC and time.microsecond % 1000 == 0 for time in times)
    assert sorted({time.date() for time in times}) == [
        TODAY - datetime.timedelta(days=age) for age in range(results.DAYS, 0, -1)
    ]


def test_only_completed_extractions_and_rules_have_a_score() -> None:
    for result in RESULTS:
        scored = result["type"] != "description" and result["status"] == "completed"
        assert (result["confidence_score"] is not None) == scored
        assert not scored or 0 <= result["confidence_score"] <= 1


def test_a_failed_result_has_a_reason_and_nothing_else() -> None:
    for result in RESULTS:
        if result["status"] == "failed":
            assert result["error_message"] in ERRORS
            assert (result["description"], result["confidence_score"], result["verification"]) == (None, None, None)
        else:
            assert result["error_message"] is None
            assert result["description"]


def test_people_verify_some_rules_and_nothing_else() -> None:
    rules = [result for result in COMPLETED if result["type"] == "rule"]
    verified = [result for result in RESULTS if result["verification"] is not None]
    assert {result["type"] for result in verified} == {"rule"}
    assert 0.15 < len(verified) / len(rules) < 0.25
    assert {tuple(result["verification"]) for result in verified} == {("method", "verdict", "reviewer")}
    assert {result["verification"]["method"] for result in verified} == {"human"}
    assert {result["verification"]["verdict"] for result in verified} == {"confirmed", "rejected"}


def test_metadata_tells_model_cost_and_sometimes_the_camera() -> None:
    usual = ["model", "version", "prompt_id", "latency_ms", "tokens", "tags"]
    with_camera = [result for result in RESULTS if "camera" in result["metadata"]]
    assert 0 < len(with_camera) < len(RESULTS)
    for result in RESULTS:
        metadata = result["metadata"]
        assert list(metadata) == usual + ["camera"] * ("camera" in metadata)
        assert metadata["model"] in {model.name for model in (results.LARGE, results.SMALL, results.OCR)}
        assert 300 < metadata["latency_ms"] < 4000
        assert bool(metadata["tags"]) == (result["status"] == "completed")


@pytest.mark.parametrize(
    ("key", "shares"),
    [
        ("type", {"description": (0.6, 0.7), "extraction": (0.15, 0.25), "rule": (0.1, 0.2)}),
        ("status", {"completed": (0.97, 0.99), "failed": (0.01, 0.03)}),
        ("source_type", {"single": (0.5, 0.7), "batch": (0.3, 0.5)}),
    ],
)
def test_shares(key: str, shares: dict[str, tuple[float, float]]) -> None:
    counts = Counter(result[key] for result in RESULTS)
    assert counts.keys() == shares.keys()
    for value, (low, high) in shares.items():
        assert low < counts[value] / len(RESULTS) < high


def test_images_have_several_results_and_batches_are_bursts() -> None:
    assert 4500 < len(RESULTS) < 5500
    assert 1.8 < len(RESULTS) / len({result["image_id"] for result in RESULTS}) < 2.3
    batches: dict[str, list[datetime.datetime]] = {}
    for result in RESULTS:
        if result["source_type"] == "batch":
            batches.setdefault(result["source_id"], []).append(result["created_at"])
    assert len(batches) > 50
    assert max(map(len, batches.values())) > 20
    assert all(times[-1] - times[0] < datetime.timedelta(minutes=3) for times in batches.values())


def test_working_time_is_busier() -> None:
    weekend = sum(result["created_at"].weekday() >= 5 for result in RESULTS)
    working_hours = sum(7 <= result["created_at"].hour < 18 for result in RESULTS)
    assert 0.08 < weekend / len(RESULTS) < 0.16
    assert 0.75 < working_hours / len(RESULTS) < 0.95


def test_the_history_grows_slowly() -> None:
    a_year_on = list(results.results(TODAY + datetime.timedelta(weeks=52)))
    assert 1.2 < len(a_year_on) / len(RESULTS) < 1.4


@pytest.mark.parametrize("word", ["dog", "landscape", "mountain", "safety", "equipment"])
def test_example_searches_find_something(word: str) -> None:
    assert sum(word in text.lower() for text in TEXTS) > 100


@pytest.mark.parametrize(
    "pattern",
    [r"^=SUM printed on a whiteboard", r"^-\d+\.\d °C on the display", r"^=", r"^\+", r"^@", '"', ",", "\n", "é", "🎉"],
)
def test_exports_have_something_to_quote(pattern: str) -> None:
    assert any(re.search(pattern, text) for text in TEXTS)


def test_texts_are_varied_whole_sentences() -> None:
    assert len(set(TEXTS)) > 0.7 * len(TEXTS)
    assert not [text for text in TEXTS if "{" in text or "}" in text]
    prose = [result["description"] for result in COMPLETED if result["type"] != "extraction"]
    assert not [text for text in prose if re.search(r"^[a-z]|[.] [a-z]", text)]


@pytest.mark.parametrize("theme", THEMES, ids=lambda theme: theme.name)
def test_every_phrase_of_a_theme_can_be_filled_in(theme: Theme) -> None:
    slots = results._slots(results.Dice(1), theme, TODAY)
    rules = [text for rule in theme.rules for text in rule]
    for template in [*theme.descriptions, *theme.extractions, *rules]:
        assert template.format_map(slots)
