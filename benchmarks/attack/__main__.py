"""`make attack`: what one caller can cost the others; prints a table. Bounded, and aimed at loopback only."""

import argparse
import os
import platform
import tempfile
from datetime import date
from pathlib import Path

from app.engine.db import Database
from benchmarks.__main__ import embedded, production
from benchmarks.attack import attacks, history
from benchmarks.attack.attacks import Aim
from benchmarks.attack.measuring import Measured, measure
from benchmarks.report import Report


def main() -> None:
    parser = argparse.ArgumentParser(prog="make attack", description=__doc__)
    parser.add_argument("--sqlite", action="store_true", help="the embedded default, not PostgreSQL, Redis and S3")
    parser.add_argument("--scale", type=float, default=1.0, help="share of the full size; 1.0 if not said")
    parser.add_argument("--together", action="store_true", help="only all at once, not each alone before")
    parser.add_argument("names", nargs="*", help=f"of {', '.join(attacks.ATTACKS)}; all of them if not said")
    asked = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sightlog-attack-") as name:
        with embedded(Path(name)) if asked.sqlite else production(Path(name)) as stack:
            database = Database(stack.database_url)
            print("Making the accounts …", flush=True)
            keys = history.fill(database, asked.scale)
            database.dispose()
            victim = keys.pop("victim")
            aim = Aim(url=stack.url, environment=stack.environment, scale=asked.scale, **keys)
            engine = "SQLite" if asked.sqlite else "PostgreSQL"
            machine = f"{platform.machine()}, {os.cpu_count()} cores"
            report = Report(f"{engine}, scale {asked.scale}, {date.today()}, {machine}")  # noqa: DTZ011
            pid = stack.api_processes[0].pid
            _add(report, "nothing", measure([], aim, victim, pid))
            names = asked.names or list(attacks.ATTACKS)
            for name in names if not asked.together else ():
                _add(report, name, measure([name], aim, victim, pid))
            if len(names) > 1:
                _add(report, "all at once", measure(names, aim, victim, pid))
        report.print()


def _add(report: Report, work: str, found: Measured) -> None:
    figures = f"p95 {found.p95:.0f} ms, at most {max(found.pages):.0f} ms, export {max(found.exports):.1f} s"
    refused = f", {len(found.refused)} REFUSED: {found.refused[0]}" if found.refused else ""
    report.add(work, figures + refused, f"{found.memory:.0f} MiB", None, "250 ms, 10 s, 512 MiB")
    for name, answers in found.told.items():
        print(f"    {name}: {answers}", flush=True)


if __name__ == "__main__":
    main()
