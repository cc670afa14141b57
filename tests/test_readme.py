"""Every command of the README was run as written, and its tables are those of the code."""

import json
import subprocess
import sys
from pathlib import Path

import httpx

from tools import readme
from tools.stack import Stack


def test_the_settings_are_those_of_the_code() -> None:
    text = readme.README.read_text()
    assert readme.made(text) == text
    assert "| `SIGHTLOG_RATE_LIMIT` | `500` |" in text


def test_the_tour_runs_as_written(tmp_path: Path) -> None:
    tour = "\n".join(readme.blocks("sh"))
    with Stack(tmp_path, {}) as stack:
        tour = tour.replace("http://127.0.0.1:8000", stack.url)
        tour = tour.replace('"$PWD/.venv/bin:$PATH"', f'"{Path(sys.executable).parent}:$PATH"')
        done = subprocess.run(
            ["bash", "-euo", "pipefail", "-c", tour],
            cwd=tmp_path,
            env=stack.environment,
            capture_output=True,
            text=True,
            timeout=120,
        )
        assert done.returncode == 0, done.stderr
        told = done.stdout
        assert '"errors"' not in told
        assert '{"data":{"recordDescriptions":{"recorded":1,"alreadyKnown":0}}}' in told
        assert '"status":"COMPLETED"' in told
        assert '"filter_summary":"Date: from 2025-01-01"' in told
        assert "1 recorded, 0 already known, 0 rejected" in told
        status, _ = json.JSONDecoder().raw_decode(
            told, told.index('{"export_id":"', told.index('"status":"completed"') - 80)
        )
        assert httpx.get(status["download_url"]).text.startswith("id,type,source_type,")
