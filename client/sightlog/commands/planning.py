"""`sightlog export --plan`: what an export would be."""

from __future__ import annotations

from typing import TYPE_CHECKING

from sightlog.api.enums import EstimateBasis
from sightlog.commands import output

if TYPE_CHECKING:
    from sightlog.api.plan_export import (
        PlanExportPlanExport,
        PlanExportPlanExportBrokenLimit,
        PlanExportPlanExportBytes,
        PlanExportPlanExportSeconds,
    )


def show(plan: PlanExportPlanExport) -> None:
    """In a pipe: names and values between tabs, then of each window its first and last moment and its rows."""
    output.details(
        [
            ("rows", output.number(plan.rows)),
            ("size", _size(plan.bytes_) if plan.bytes_ else ""),
            ("time", _time(plan.seconds)),
        ]
    )
    if plan.broken_limit:
        output.complain(plan.broken_limit.message)
        _windows(plan.broken_limit)


def _size(bytes_: PlanExportPlanExportBytes) -> str:
    count = round(bytes_.value)
    if not output.is_read_by_a_person():
        return str(count)
    return f"about {output.size(count)}, from {_basis(bytes_)}"


def _time(seconds: PlanExportPlanExportSeconds) -> str:
    if not output.is_read_by_a_person():
        return f"{seconds.value:.3f}"
    return f"about {seconds.value:.0f} s, from {_basis(seconds)}"


def _basis(estimate: PlanExportPlanExportBytes | PlanExportPlanExportSeconds) -> str:
    rows = f"{estimate.rows:,} row{'' if estimate.rows == 1 else 's'}"
    if estimate.basis is EstimateBasis.SAMPLE:
        return f"the newest {rows}"
    if estimate.basis is EstimateBasis.COMPLETED_EXPORTS:
        return f"the last {estimate.exports} export{'' if estimate.exports == 1 else 's'} with {rows}"
    return "what a small machine takes: no export is completed yet"


def _windows(limit: PlanExportPlanExportBrokenLimit) -> None:
    with output.Table("--start-date", "--end-date", "rows", right=("rows",)) as table:
        for one in limit.windows:
            start, end = output.as_json(one.start), output.as_json(one.end_date) or ""
            table.row(start, end, output.number(one.rows))
