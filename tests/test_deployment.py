"""What can be checked of the Docker files where no Docker engine runs."""

import shlex
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.main import get_command

from app.settings import Settings
from sightlog.commands import main

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
OURS = [name for name, service in COMPOSE["services"].items() if service.get("build") == "."]


def test_our_services_are_there() -> None:
    assert OURS == ["setup", "api", "worker"]


@pytest.mark.parametrize("service", OURS)
def test_every_setting_is_one(service: str) -> None:
    given = COMPOSE["services"][service]["environment"]
    known = {f"SIGHTLOG_{name.upper()}" for name in Settings.model_fields}
    assert {name for name in given if name.startswith("SIGHTLOG_")} - known == set()
    assert given["SIGHTLOG_S3_ENDPOINT_URL"] != given["SIGHTLOG_S3_PUBLIC_ENDPOINT_URL"]


def test_every_command_is_one() -> None:
    group = get_command(main.app)
    assert isinstance(group, main.Commands)
    commands = set(group.list_commands(None))
    default = shlex.split((ROOT / "Dockerfile").read_text().rpartition("CMD ")[2].strip("[]\n").replace(",", ""))
    assert default[0] == COMPOSE["services"]["worker"]["command"][0] == "sightlog"
    assert {default[1], COMPOSE["services"]["worker"]["command"][1]} <= commands
    assert "sightlog db upgrade" in COMPOSE["services"]["setup"]["command"][2]


def test_every_folder_that_the_image_copies_is_there() -> None:
    lines = (ROOT / "Dockerfile").read_text().splitlines()
    copied = [
        word for line in lines if line.startswith("COPY ") and "--from" not in line for word in line.split()[1:-1]
    ]
    ignored = (ROOT / ".dockerignore").read_text()
    packages = ["client", "app", "graphql_schema", "rest_compat", "tasks"]
    assert copied == ["pyproject.toml", "README.md", "LICENSE", *packages]
    assert all((ROOT / name).exists() and f"!{name}\n" in ignored for name in copied)


def test_whoever_waits_for_health_waits_for_one_that_is_told() -> None:
    for name, service in COMPOSE["services"].items():
        for awaited, how in service.get("depends_on", {}).items():
            if how["condition"] == "service_healthy":
                assert "healthcheck" in COMPOSE["services"][awaited], (name, awaited)
