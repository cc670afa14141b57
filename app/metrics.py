"""What Prometheus is told. No label ever holds what a client sent."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import wait
from wsgiref.simple_server import WSGIServer

from prometheus_client import CollectorRegistry, Counter, Histogram, ProcessCollector, start_http_server
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector
from sqlalchemy import func, select
from sqlmodel import col

from app.engine.db import Database
from app.errors import SightlogError
from app.models import Export, ExportStatus, Job
from app.probes import PATIENCE, Probe
from app.settings import Settings

REQUEST_SECONDS = Histogram(
    "sightlog_request_seconds",
    "HTTP requests by the template of their route, and how long they took to the end of the answer.",
    ["method", "route", "status"],
    registry=None,
)
GRAPHQL_OPERATIONS = Counter(
    "sightlog_graphql_operations",
    "GraphQL operations; refused: none of it was executed, failed: with errors, perhaps beside data.",
    ["type", "outcome"],
    registry=None,
)
EXPORT_SECONDS = Histogram(
    "sightlog_export_seconds",
    "Exports that this process completed, and how long writing them took.",
    ["format"],
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300, 600),
    registry=None,
)
EXPORTED_ROWS = Counter("sightlog_exported_rows", "Rows in the exports that this process completed.", registry=None)
EXPORTED_BYTES = Counter("sightlog_exported_bytes", "Bytes in the exports that this process completed.", registry=None)
SWEEPS = Counter("sightlog_sweeps", "Sweeps of this process, by outcome: ok or failed.", ["outcome"], registry=None)
RECLAIMED = Counter("sightlog_reclaimed", "Taken back from workers that ended, by job.", ["job"], registry=None)
JOB_SECONDS = Histogram(
    "sightlog_job_seconds",
    "Attempts of this process at jobs, by how they ended, and how long they took. lost: another had it by then.",
    ["job", "outcome"],
    buckets=(0.1, 0.5, 1, 5, 10, 60, 300, 600),
    registry=None,
)

_OWN = (
    *(REQUEST_SECONDS, GRAPHQL_OPERATIONS, EXPORT_SECONDS, EXPORTED_ROWS, EXPORTED_BYTES),
    *(SWEEPS, RECLAIMED, JOB_SECONDS),
)


def exported(format: str, rows: int, bytes: int, seconds: float) -> None:
    EXPORT_SECONDS.labels(format).observe(seconds)
    EXPORTED_ROWS.inc(rows)
    EXPORTED_BYTES.inc(bytes)


def ran(job: str, outcome: str, seconds: float) -> None:
    JOB_SECONDS.labels(job, outcome).observe(seconds)


def open_registry(database: Database, queue_depths: Callable[[], Mapping[str, int]]) -> CollectorRegistry:
    """What this process counted, and what it finds in the database and the queue whenever it is asked."""
    registry = CollectorRegistry()
    for metric in _OWN:
        registry.register(metric)
    registry.register(_Found(lambda: _exports(database), lambda: _jobs(database), lambda: _depths(queue_depths())))
    ProcessCollector(registry=registry)
    return registry


def serve(registry: CollectorRegistry, settings: Settings) -> WSGIServer:
    """Serves them on a port of their own until the server is shut down."""
    host, port = settings.metrics_host, settings.metrics_port or 0
    try:
        server, _ = start_http_server(port, host, registry)
    except OSError as error:
        raise SightlogError(f"Metrics cannot be served on {host}:{port}: {error.strerror}.") from error
    return server


class _Found(Collector):
    """Gauges that are read from servers. Those whose server does not answer are left out."""

    def __init__(self, *questions: Callable[[], Metric]) -> None:
        self._probes = [Probe(question) for question in questions]

    def describe(self) -> Iterable[Metric]:
        return ()

    def collect(self) -> Iterator[Metric]:
        answered = wait([probe.ask() for probe in self._probes], PATIENCE).done
        yield from (answer.result() for answer in answered if answer.exception() is None)


def _exports(database: Database) -> Metric:
    with database.read() as session:
        statement = select(col(Export.status), func.count()).group_by(Export.status)
        found: dict[str, int] = dict(session.connection().execute(statement).all())
    family = GaugeMetricFamily("sightlog_exports", "Exports by state, those of all processes.", labels=["state"])
    for status in ExportStatus:
        family.add_metric([status.value], found.get(status.value, 0))
    return family


def _jobs(database: Database) -> Metric:
    with database.read() as session:
        statement = select(col(Job.name), col(Job.status), func.count()).group_by(Job.name, Job.status)
        found = session.connection().execute(statement).all()
    family = GaugeMetricFamily("sightlog_jobs", "Jobs to be done by state, exports aside.", labels=["job", "state"])
    for name, status, count in found:
        family.add_metric([name, status], count)
    return family


def _depths(messages: Mapping[str, int]) -> Metric:
    told = "Messages in each queue, those being worked on too."
    family = GaugeMetricFamily("sightlog_queue_messages", told, labels=["queue"])
    for queue, count in messages.items():
        family.add_metric([queue], count)
    return family
