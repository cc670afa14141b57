"""A real PgBouncer in transaction mode, where Debian's package or another has installed one."""

import os
import shutil
from pathlib import Path
from typing import Any

import psycopg

from tools.servers import HOST, Postgres, Server

PROGRAM = shutil.which("pgbouncer", path=f"{os.environ.get('PATH', '')}:/usr/sbin")


class PgBouncer(Server):
    """In front of one PostgreSQL, with few connections to it, so that clients change theirs all the time."""

    def __init__(self, folder: Path, postgres: Postgres, *, pool_size: int = 4) -> None:
        super().__init__(folder)
        self.postgres = postgres
        self.pool_size = pool_size

    def prepare(self) -> None:
        pass

    def run_as(self) -> dict[str, Any]:
        """It refuses root, as PostgreSQL does."""
        return Postgres.run_as(self)  # type: ignore[arg-type]

    def command(self) -> list[str]:
        assert PROGRAM is not None
        user = self.postgres.user
        settings = {
            "listen_addr": HOST, "listen_port": self.port, "unix_socket_dir": "", "auth_type": "trust",
            "auth_file": self.folder / "users", "admin_users": user, "pool_mode": "transaction",
            "default_pool_size": self.pool_size, "max_client_conn": 500,
        }  # fmt: skip
        lines = ["[databases]", f"* = host={HOST} port={self.postgres.port}", "[pgbouncer]"]
        (self.folder / "users").write_text(f'"{user}" ""\n')
        (self.folder / "pgbouncer.ini").write_text(
            "\n".join([*lines, *(f"{k} = {v}" for k, v in settings.items()), ""])
        )
        return [PROGRAM, str(self.folder / "pgbouncer.ini")]

    def check(self) -> None:
        with psycopg.connect(self.admin_url, autocommit=True, prepare_threshold=None) as connection:
            connection.cursor().execute("SHOW VERSION")

    @property
    def admin_url(self) -> str:
        return f"postgresql://{self.postgres.user}@{HOST}:{self.port}/pgbouncer"

    def database_url(self, name: str) -> str:
        return f"postgresql://{self.postgres.user}@{HOST}:{self.port}/{name}"
