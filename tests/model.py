"""The contract in plain Python: which results a filter means, in which order, and what is counted over them.

Results and filters are dicts with the names that the documented API has for their keys, and what only GraphQL knows
(`types`, `image_ids`, `source_ids`, `exclude_search`, `include_failed`, `include_unscored`, `search_mode`,
`metadata`, `review_states`) in the same spelling. Times are ISO 8601. A result may have `review_state`.
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import ROUND_HALF_UP, Decimal
from typing import Any

Dict = dict[str, Any]

VERDICTS = ("ACCEPTED", "REJECTED", "CORRECTED")
STATES = ("UNREVIEWED", *VERDICTS)


def moment(text: str) -> datetime:
    """An offset is converted, a naive time is UTC, a bare date is its midnight."""
    found = datetime.fromisoformat(text)
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def newest_first(results: Iterable[Dict]) -> list[Dict]:
    return sorted(results, key=lambda result: (moment(result["created_at"]), result["id"].encode()), reverse=True)


def matches(results: Iterable[Dict], wanted: Mapping[str, Any]) -> list[Dict]:
    return [result for result in newest_first(results) if _matches(result, wanted)]


def _matches(result: Dict, wanted: Mapping[str, Any]) -> bool:
    if result["status"] == "failed" and not wanted.get("include_failed"):
        return False
    created_at = moment(result["created_at"])
    if wanted.get("start_date") is not None and created_at < moment(wanted["start_date"]):
        return False
    if wanted.get("end_date") is not None and created_at > moment(wanted["end_date"]):
        return False
    if not _score_matches(result["confidence_score"], wanted):
        return False
    found = [_holds(result, term) for term in search_terms(wanted, "search")]
    if found and not (all(found) if wanted.get("search_mode") == "ALL" else any(found)):
        return False
    if any(_holds(result, term) for term in search_terms(wanted, "exclude_search")):
        return False
    if not all(has(result["metadata"], one["path"], one["equals"]) for one in wanted.get("metadata") or ()):
        return False
    if wanted.get("review_states") and result.get("review_state", "UNREVIEWED") not in wanted["review_states"]:
        return False
    return all(not wanted.get(names) or result[name] in wanted[names] for names, name in _LISTS.items())


def has(metadata: Any, path: str, equals: Any) -> bool:
    """Whether that value, of just that type, lies at the path: keys between dots, `\\` before a dot that is none."""
    for key in re.findall(r"(?:[^.\\]|\\.)+", path):
        if not isinstance(metadata, dict):
            return False
        metadata = metadata.get(re.sub(r"\\(.)", r"\1", key))
    if isinstance(metadata, int | float) and isinstance(equals, int | float):
        same_kind = isinstance(metadata, bool) is isinstance(equals, bool)
        return same_kind and Decimal(repr(metadata + 0)) == Decimal(repr(equals + 0))
    return isinstance(metadata, str) and isinstance(equals, str) and metadata == equals


_LISTS = {"source_types": "source_type", "types": "type", "image_ids": "image_id", "source_ids": "source_id"}


def _holds(result: Dict, term: str) -> bool:
    text = result["description"]
    return text is not None and folded(term) in folded(text)


def folded(text: str) -> str:
    """Without case, whatever way its letters are composed; a dotted capital I is an i."""
    decomposed = unicodedata.normalize("NFD", unicodedata.normalize("NFD", text).casefold())
    return unicodedata.normalize("NFC", decomposed.replace("i\u0307", "i"))


def _score_matches(score: float | None, wanted: Mapping[str, Any]) -> bool:
    lowest, highest = wanted.get("min_confidence"), wanted.get("max_confidence")
    if lowest is None and highest is None:
        return True
    if score is None:
        return bool(wanted.get("include_unscored"))
    return (lowest is None or score >= lowest) and (highest is None or score <= highest)


def search_terms(wanted: Mapping[str, Any], name: str) -> list[str]:
    return [term.strip() for term in wanted.get(name) or () if term.strip()]


def statistics(matching: Sequence[Dict]) -> Dict:
    """As the documented answer has it. Bins, days and sources ascend."""
    scores = [score for result in matching if (score := result["confidence_score"]) is not None]
    days = Counter(moment(result["created_at"]).date().isoformat() for result in matching)
    return {
        "total_count": len(matching),
        "average_confidence": average(scores),
        "confidence_distribution": ascending(Counter(map(bin_of, scores))),
        "daily_counts": [{"date": day, "count": count} for day, count in ascending(days).items()],
        "source_distribution": ascending(Counter(result["source_type"] for result in matching)),
    }


def types(matching: Sequence[Dict]) -> Dict:
    """Matches by type, which the documented answer does not count."""
    return ascending(Counter(result["type"] for result in matching))


def review_counts(matching: Sequence[Dict]) -> dict[str, int]:
    """Of all states, in their order."""
    found = Counter(result.get("review_state", "UNREVIEWED") for result in matching)
    return {state: found[state] for state in STATES}


def average(scores: Sequence[float]) -> float:
    """4 decimals, halves up, of scores that count to nine decimals; 0.0 when there is none."""
    total = sum(_rounded(Decimal(repr(score)), 9) for score in scores)
    return float(_rounded(Decimal(total) / len(scores), 4)) if scores else 0.0


def bin_of(score: float) -> str:
    """By the number as it is written: the lower edge in, the upper edge out, 1.0 in the last."""
    lower = min(int(Decimal(repr(score)) * 10), 9)
    return f"0.{lower}-{'1.0' if lower == 9 else f'0.{lower + 1}'}"


def filters_applied(wanted: Mapping[str, Any]) -> Dict:
    start, end = wanted.get("start_date"), wanted.get("end_date")
    lowest, highest = wanted.get("min_confidence"), wanted.get("max_confidence")
    sources = wanted.get("source_types") or []
    return {
        "date_range_applied": start is not None or end is not None,
        "confidence_range_applied": lowest is not None or highest is not None,
        "search_applied": bool(search_terms(wanted, "search") or search_terms(wanted, "exclude_search")),
        "source_types_filtered": bool(sources) and not {"single", "batch"} <= set(sources),
        "filter_summary": _summary(start, end, lowest, highest),
    }


def _summary(start: str | None, end: str | None, lowest: float | None, highest: float | None) -> str | None:
    parts = []
    days = {name: moment(text).date().isoformat() for name, text in (("start", start), ("end", end)) if text}
    if len(days) == 2:
        parts.append(f"Date: {days['start']} to {days['end']}")
    elif start:
        parts.append(f"Date: from {days['start']}")
    elif end:
        parts.append(f"Date: until {days['end']}")
    if lowest is not None:
        parts.append(f"Min confidence: {lowest}")
    if highest is not None and highest != 1:
        parts.append(f"Max confidence: {highest}")
    return ", ".join(parts) or None


def ascending(counts: Mapping[str, int]) -> dict[str, int]:
    return dict(sorted(counts.items()))


def _rounded(number: Decimal, places: int) -> Decimal:
    return number.quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
