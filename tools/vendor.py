"""Renews the libraries of the console in `app/console/assets/vendor`: `python -m tools.vendor`.

Each file comes from npm as published, at the version named here, but for what a browser without a bundler or import map
needs: bare names of modules become relative ones, and what only sets a global exports it. Prints the rows for the table
in `vendor/README.md`. Needs `npm`.
"""

import hashlib
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

VENDOR = Path(__file__).parents[1] / "app" / "console" / "assets" / "vendor"


class File(NamedTuple):
    """A file of a package: its name there, its name here, what is replaced, and what is put before and behind it."""

    source: str
    name: str
    replaced: tuple[tuple[str, str], ...] = ()
    before: str = ""
    behind: str = ""


class Package(NamedTuple):
    name: str
    version: str
    licence: str
    files: tuple[File, ...]


PACKAGES = (
    Package(
        "preact",
        "11.2.0",
        "MIT",
        (
            File("LICENSE", "LICENSE"),
            File("dist/preact.mjs", "preact.js", (("\n//# sourceMappingURL=preact.mjs.map", ""),)),
            File(
                "hooks/dist/hooks.mjs",
                "hooks.js",
                (('from"preact"', 'from"./preact.js"'), ("\n//# sourceMappingURL=hooks.mjs.map", "")),
            ),
        ),
    ),
    Package("htm", "3.1.1", "Apache-2.0", (File("LICENSE", "LICENSE"), File("dist/htm.mjs", "htm.js"))),
    Package(
        "uplot",
        "1.6.32",
        "MIT",
        (
            File("LICENSE", "LICENSE"),
            File("dist/uPlot.iife.min.js", "uplot.js", behind="\nexport default uPlot;\n"),
            File("dist/uPlot.min.css", "uplot.css"),
        ),
    ),
    Package(
        "graphql-sse",
        "2.6.1",
        "MIT",
        (
            File("LICENSE.md", "LICENSE"),
            File(
                "umd/graphql-sse.min.js",
                "graphql-sse.js",
                before="const exports = {}, module = { exports };\n",
                behind="\nexport const { createClient } = exports;\n",
            ),
        ),
    ),
    Package(
        "diff",
        "9.0.0",
        "BSD-3-Clause",
        (
            File("LICENSE", "LICENSE"),
            File("libesm/diff/base.js", "base.js"),
            File("libesm/diff/word.js", "word.js", (("'../util/string.js'", "'./string.js'"),)),
            File("libesm/util/string.js", "string.js"),
        ),
    ),
)


def patched(file: File, text: str) -> str:
    """The text that is served; ValueError where the package no longer holds what is replaced."""
    for old, new in file.replaced:
        if text.count(old) != 1:
            raise ValueError(f"{file.source} holds {old!r} {text.count(old)} times, not once")
        text = text.replace(old, new)
    return file.before + text + file.behind


def renew(package: Package, scratch: Path) -> None:
    wanted = f"{package.name}@{package.version}"
    packed = subprocess.run(
        ["npm", "pack", "--silent", wanted], cwd=scratch, check=True, capture_output=True, text=True
    )
    folder = VENDOR / f"{package.name}-{package.version}"
    folder.mkdir(exist_ok=True)
    with tarfile.open(scratch / packed.stdout.split()[-1]) as archive:
        for file in package.files:
            member = archive.extractfile(f"package/{file.source}")
            assert member
            data = patched(file, member.read().decode()).encode()
            (folder / file.name).write_bytes(data)
            digest = hashlib.sha256(data).hexdigest()
            print(
                f"| {package.name} | {package.version} | {package.licence} | `{folder.name}/{file.name}` | `{digest}` |"
            )


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        for package in PACKAGES:
            renew(package, Path(folder))
