"""Every setting, read once from `SIGHTLOG_*` variables, with defaults that are safe on a laptop."""

import difflib
import re
from collections.abc import Iterable
from datetime import timedelta
from ipaddress import ip_network
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BeforeValidator, Field, field_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict

from app import durations, signing

PREFIX = "SIGHTLOG_"
OF_THE_CLIENT = ("url", "api_key", "profile", "spool_dir")

_SECRETS = {"secret", "receipt_key"}
_PASSWORD = re.compile(r"(://[^/\s:@]*:)[^/\s]+(?=@)|((?i:password|secret|token)=)[^&\s]+")


def _split(value: object) -> object:
    return tuple(part.strip() for part in value.split(",") if part.strip()) if isinstance(value, str) else value


Duration = Annotated[timedelta, BeforeValidator(durations.parse)]

Names = Annotated[tuple[str, ...], NoDecode, BeforeValidator(_split)]


class Settings(BaseSettings):
    model_config = SettingsConfigDict(env_prefix=PREFIX, frozen=True, extra="ignore", env_ignore_empty=True)

    data_dir: Path = Field(
        Path("sightlog-data"), description="Folder of the embedded database, of local export files and of the secret."
    )
    database_url: str = Field(
        "",
        description="Such as `postgresql://user:password@host/sightlog`; empty: SQLite in the data folder.",
    )
    database_connections: int = Field(
        20,
        ge=4,
        description="Most connections to the database that one process keeps; requests wait for a free one. "
        "Each export that runs takes two. Three more are kept for API keys and readiness.",
    )
    statement_timeout: Annotated[timedelta, BeforeValidator(durations.parse)] = Field(
        timedelta(seconds=10),
        gt=timedelta(0),
        description="Longest time that the database may take for one question of a request, such as `10s`; then it is "
        "ended and refused with `QUERY_TIMEOUT`. Exports, imports and migrations have no such limit.",
    )
    statements_per_account: int = Field(
        4,
        ge=1,
        description="Questions of one account that the database answers at a time, in one process; the others wait "
        "their turn, for 10 seconds at most.",
    )
    redis_url: str = Field(
        "",
        description="`redis://…`: Dramatiq's broker and the rate limits, shared by all processes; "
        "empty: both inside the server process.",
    )
    s3_bucket: str = Field("", description="Bucket for export files; empty: files in the data folder.")
    s3_prefix: str = Field("exports/", description="What the keys of our objects begin with.")
    s3_endpoint_url: str = Field(
        "", description="Endpoint of an S3 that is not AWS; `AWS_*` variables as boto3 has them."
    )
    s3_public_endpoint_url: str = Field(
        "", description="Endpoint that download URLs are signed for, if clients reach the S3 by another name."
    )
    public_url: str = Field(
        "",
        description="Where clients reach this server; download URLs of local files begin with it; "
        "empty: the address and port it serves on.",
    )
    allowed_hosts: Names = Field(
        (),
        description="Names or addresses by which clients reach this server, joined by commas, `*.example.com` for all "
        "names below one; requests for others are refused. Empty: any.",
    )
    cors_origins: Names = Field(
        (),
        description="Origins whose pages may ask this server from a browser, joined by commas, such as "
        "`https://app.example.com`; `*`: any. Empty: its own alone.",
    )
    secret: str = Field(
        "",
        description="Key for signing the URLs of local files and the views of pages, the same for all servers; empty: "
        "made once and kept in the data folder. Several, joined by commas: the first signs, and what any of them "
        "signed is good.",
    )
    receipt_key: str = Field(
        "",
        description="Private key that signs the receipts of exports: 32 bytes as base64 (`openssl rand -base64 32`), "
        "the same for all processes; empty: made once and kept in the data folder; with files in S3, none is signed.",
    )
    max_passed_bytes: int = Field(
        64 * 2**20,
        ge=0,
        description="Longest part of a file in S3, in bytes, that `/api/v2/data/export/{id}/download` passes through "
        "the server; for longer ones and for whole files it redirects to S3.",
    )
    rate_limit: int = Field(
        500,
        ge=0,
        description="Requests a minute for one API key, unless it or its account has a limit of its own; 0: no limit. "
        "An address that sends no valid key may send half as many, and 60 at most.",
    )
    max_reviewed_at_once: int = Field(
        10_000,
        ge=1,
        le=100_000,
        description="Results that one `reviewMatching` reviews. It is one transaction: on SQLite whoever records waits "
        "for it, 0.2 s for each thousand.",
    )
    max_erased_at_once: int = Field(
        10_000,
        ge=1,
        le=100_000,
        description="Results that one `eraseDescriptions` erases. It goes a thousand at a time: whoever records into "
        "the account waits for each, on SQLite whoever records at all. All of it has `SIGHTLOG_STATEMENT_TIMEOUT`, and "
        "what was erased by then stays so.",
    )
    forwarded_allow_ips: str = Field(
        "127.0.0.1,::1",
        description="Addresses or networks of the proxies in front, joined by commas. Their `X-Forwarded-For` tells "
        "whose address counts where no valid key does; what others send in it is ignored.",
    )
    metrics_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="Port of its own on which a process serves Prometheus's metrics; empty or 0: the API serves them "
        "at `/metrics`, without a key, so that a proxy in front should not let it through, and a worker serves none.",
    )
    metrics_host: str = Field("127.0.0.1", description="Address to listen on for the metrics' own port.")
    max_body_bytes: int = Field(
        16 * 2**20, ge=1024, description="Largest request body, in bytes, as it is when it is unpacked."
    )
    max_read_body_bytes: int = Field(
        2**20, ge=1024, description="Largest request body of a key without the scope `write`, in bytes."
    )
    session_idle: Duration = Field(
        timedelta(days=7),
        gt=timedelta(0),
        description="How long a session in a browser lasts after it was last used, such as `7d` or `12h`.",
    )
    session_lifetime: Duration = Field(
        timedelta(days=30), gt=timedelta(0), description="How long it lasts at most, however much it is used."
    )
    sign_in_link_lifetime: Duration = Field(
        timedelta(hours=1),
        gt=timedelta(0),
        description="How long a link that signs in by itself can be used, which is once.",
    )
    console_images: bool = Field(
        True,
        description="Whether the console shows the images of results, which browsers load from wherever they are; "
        "`off`: only those of this server.",
    )
    large_bodies: int = Field(
        8,
        ge=1,
        description="Requests with a body over 256 KB that are in work at a time; others wait for their turn.",
    )
    large_bodies_per_account: int = Field(2, ge=1, description="The same, of one account.")
    large_body_wait: Duration = Field(
        timedelta(seconds=10), description="How long one waits for its turn before it is refused."
    )
    max_connections: int = Field(2000, ge=1, description="Connections of clients that one server process keeps open.")
    max_connections_per_address: int = Field(
        200,
        ge=1,
        description="The same, from one address (of IPv6, one /64). The proxies of `SIGHTLOG_FORWARDED_ALLOW_IPS` may "
        "have all.",
    )
    head_timeout: Duration = Field(
        timedelta(seconds=10), description="How long a client may take for a request's line and headers."
    )
    body_timeout: Duration = Field(
        timedelta(seconds=20),
        description="How long a request's body may arrive more slowly than `SIGHTLOG_MIN_BODY_RATE`.",
    )
    min_body_rate: int = Field(4096, ge=0, description="Bytes of a body that must arrive in a second, on average.")
    answer_timeout: Duration = Field(
        timedelta(minutes=2), description="How long a client may take nothing of an answer that is ready for it."
    )
    keep_alive_timeout: Duration = Field(
        timedelta(seconds=5),
        description="How long a connection without a request is kept; behind a proxy, longer than the proxy keeps it.",
    )
    websocket_max_bytes: int = Field(2**20, ge=1024, description="Largest message over a WebSocket, in bytes.")
    max_answer_bytes: int = Field(
        32 * 2**20,
        ge=1024,
        description="Most bytes of results and statistics in the answer to one request, all its fields together.",
    )
    cache_bytes: int = Field(
        20 * 2**20, ge=0, description="Most bytes that a process takes for the statistics it has counted."
    )
    subscriptions_per_key: int = Field(
        500, ge=1, description="Subscriptions that one API key may have open at a time in one process, and WebSockets."
    )
    documents: Path | None = Field(
        None,
        description="Folder of trusted documents, `*.graphql`, which clients name by `documentId` instead of sending "
        "them: by the name of the file without its ending, or `sha256:` and the hash of its text.",
    )
    documents_only: bool = Field(
        False, description="Whether keys with the scope `read` may execute trusted documents alone."
    )
    embedded_worker: bool | None = Field(
        None, description="Run a worker inside `serve`; empty: yes, unless a Redis URL is set."
    )
    worker_threads: int = Field(4, ge=1, description="Exports that one worker process runs at a time.")
    exports_per_account: int = Field(
        2, ge=1, description="Exports of one account that run at a time; the others wait their turn, oldest first."
    )
    export_retention: Duration = Field(
        timedelta(days=7), description="How long the file of an export is kept, such as `7d` or `12h`."
    )
    outbound_networks: Names = Field(
        (),
        description="Networks joined by commas, such as `10.0.5.0/24`, whose addresses may be fetched from for a "
        "customer although they are not public. Empty: none, so that no recorded URL reaches anything of yours.",
    )
    max_images: int = Field(
        10_000, ge=1, description="Results of one export with images. Each image is fetched from its `image_url`."
    )
    max_image_bytes: int = Field(20 * 2**20, ge=1024, le=2**30, description="Largest image that is fetched, in bytes.")
    max_images_bytes: int = Field(
        4 * 2**30,
        ge=1024,
        description="Bytes of the images of one export, together; those that are left then are told in its ledger.",
    )
    image_timeout: Duration = Field(
        timedelta(seconds=15), gt=timedelta(0), description="How long the fetching of one image may take, in all."
    )
    images_timeout: Duration = Field(
        timedelta(hours=1), gt=timedelta(0), description="The same, of all images of an export."
    )
    images_at_a_time: int = Field(8, ge=1, le=64, description="Images that one export fetches at a time.")
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Least severe level that is logged."
    )
    log_format: Literal["text", "json"] = Field("text", description="`text` for people, `json` for machines.")

    @field_validator("cors_origins")
    @classmethod
    def _are_origins(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for origin in value:
            if origin != "*" and not re.fullmatch(r"[a-z][a-z0-9+.-]*://[^/\s*@?#]+", origin):
                raise ValueError("an origin is a scheme and a host, such as https://app.example.com")
        return value

    @field_validator("outbound_networks")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for text in value:
            ip_network(text)
        return value

    @field_validator("receipt_key")
    @classmethod
    def _is_a_key(cls, value: str) -> str:
        if value and not signing.is_secret(value):
            raise ValueError("a key is 32 bytes as base64, such as `openssl rand -base64 32` prints")
        return value

    @property
    def prefix(self) -> str:
        """Of the paths in the public URL, such as `/sightlog`; empty for none."""
        return urlsplit(self.public_url).path.rstrip("/")

    @property
    def sqlalchemy_url(self) -> str:
        return self.database_url or f"sqlite:///{self.data_dir / 'sightlog.db'}"

    @property
    def secrets(self) -> list[str]:
        return [secret.strip() for secret in self.secret.split(",") if secret.strip()]

    @property
    def runs_worker(self) -> bool:
        return not self.redis_url if self.embedded_worker is None else self.embedded_worker


def table() -> str:
    """Each setting with its default and its meaning, as a Markdown table."""
    rows = [
        f"| `{variable(name)}` | {_as_code(_text(field.default))} | {field.description} |"
        for name, field in Settings.model_fields.items()
    ]
    return "\n".join(["| variable | default | meaning |", "|---|---|---|", *rows])


def in_force(settings: Settings) -> list[tuple[str, str, str]]:
    """Each setting's variable, its value with secrets hidden, and where that comes from."""
    return [
        (variable(name), _hidden(name, _text(getattr(settings, name))), _origin(settings, name))
        for name in Settings.model_fields
    ]


def unknown(names: Iterable[str]) -> dict[str, str | None]:
    """Those that begin like our variables and are none, nor the client's, each with the nearest that is one."""
    known = [variable(name) for name in Settings.model_fields]
    taken = {*known, *map(variable, OF_THE_CLIENT)}
    strangers = sorted(name for name in names if name.upper().startswith(PREFIX) and name.upper() not in taken)
    return {name: next(iter(difflib.get_close_matches(name.upper(), known, 1, 0.8)), None) for name in strangers}


def variable(name: str) -> str:
    return PREFIX + name.upper()


def masked(text: str) -> str:
    """The text without the passwords of the URLs in it."""
    return _PASSWORD.sub(lambda found: (found[1] or found[2]) + "***", text)


def _origin(settings: Settings, name: str) -> str:
    return "environment" if name in settings.model_fields_set else "default"


def _hidden(name: str, text: str) -> str:
    return "(hidden)" if text and name in _SECRETS else masked(text)


def _text(value: object) -> str:
    match value:
        case timedelta():
            return durations.text(value)
        case tuple():
            return ",".join(value)
    return "" if value is None else str(value)


def _as_code(text: str) -> str:
    return f"`{text}`" if text else ""
