"""A peer: PostGraphile over the same tables. It is installed from npm, which takes a minute."""

import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from benchmarks import requests
from benchmarks.requests import Request, post
from tools import servers

PEER = Path(__file__).parent / "peer"
FIELDS = "rowId type status sourceType createdAt imageUrl imageId description confidenceScore metadata"
WHERE = '{accountId: "1", status: "completed"}'


@contextmanager
def serving(database_url: str) -> Iterator[str]:
    port = servers.free_port()
    with tempfile.TemporaryDirectory(prefix="sightlog-peer-") as name:
        folder = Path(name)
        for file in PEER.iterdir():
            shutil.copy(file, folder)
        subprocess.run(["npm", "install", "--no-audit", "--no-fund", "--silent"], cwd=folder, check=True)
        command = [str(folder / "node_modules" / ".bin" / "node"), "server.mjs"]
        environment = {
            "DATABASE_URL": database_url.replace("+psycopg", ""),
            "PORT": str(port),
            "GRAPHILE_ENV": "production",
        }
        with requests.serving(command, environment, port, "/", folder) as url:
            yield url


def page(url: str, size: int) -> Request:
    order = "[CREATED_AT_DESC, ROW_ID_DESC]"
    return post(
        url, "", f"allDescriptions(first: {size}, condition: {WHERE}, orderBy: {order}) {{ nodes {{ {FIELDS} }} }}"
    )
