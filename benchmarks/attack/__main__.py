"""`make attack`: what one caller can cost the others; prints a table. Bounded, and aimed at loopback only."""

import argparse
import os
import platform
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path

from app.engine.db import Database
from benchmarks.__main__ import embedded, production
from benchmarks.attack import attacks, history
from benchmarks.attack.attacks import Aim
from benchmarks.attack.victim import Victim
from benchmarks.report import Report
from benchmarks.requests import resident


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
            aim = Aim(url=stack.url, scale=asked.scale, **keys)
            engine = "SQLite" if asked.sqlite else "PostgreSQL"
            machine = f"{platform.machine()}, {os.cpu_count()} cores"
            report = Report(f"{engine}, scale {asked.scale}, {date.today()}, {machine}")  # noqa: DTZ011
            pid = stack.api_processes[0].pid
            _measure(report, "nothing", [], aim, victim, pid)
            names = asked.names or list(attacks.ATTACKS)
            for name in names if not asked.together else ():
                _measure(report, name, [name], aim, victim, pid)
            if len(names) > 1:
                _measure(report, "all at once", names, aim, victim, pid)
        report.print()


def _measure(report: Report, work: str, names: list[str], aim: Aim, victim_key: str, pid: int) -> None:
    """Adds a line: the pages and the exports of another account while these attacks run together."""
    with _memory(pid) as memory, Victim(aim.url, victim_key) as victim:
        if names:
            told = _run(names, aim)
        else:
            told = {}
            time.sleep(5)
    figures = f"p95 {victim.p95:.0f} ms, at most {max(victim.pages):.0f} ms, export {max(victim.exports):.1f} s"
    refused = f", {len(victim.refused)} REFUSED: {victim.refused[0]}" if victim.refused else ""
    report.add(work, figures + refused, f"{max(memory):.0f} MiB", None, "250 ms, 10 s, 512 MiB")
    for name, answers in told.items():
        print(f"    {name}: {answers}", flush=True)


def _run(names: list[str], aim: Aim) -> dict[str, str]:
    """What the server answered to each, once all have ended."""
    running = {}
    for name in names:
        command, given = attacks.command(name, aim)
        running[name] = process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        assert process.stdin is not None
        process.stdin.write(given)
        process.stdin.close()
        process.stdin = None
    return {name: process.communicate()[0].decode().strip() for name, process in running.items()}


@contextmanager
def _memory(pid: int) -> Iterator[list[float]]:
    """MiB of a process, ten times a second while the block runs."""
    found, ended = [resident(pid)], threading.Event()

    def watch() -> None:
        while not ended.wait(0.1):
            found.append(resident(pid))

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    yield found
    ended.set()
    thread.join()


if __name__ == "__main__":
    main()
