"""The composition root: settings in, an application out."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from importlib.metadata import version

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError

from app import metrics
from app.console import pages
from app.errors import SightlogError
from app.http import downloads, health, hosts, pictures, sessions, well_known
from app.http.answers import PackedAnswers
from app.http.bodies import Bodies
from app.http.gate import Gate
from app.http.hosts import Hosts, Prefix
from app.http.middleware import RequestMiddleware
from app.runtime import open_runtime, prepare
from app.settings import Settings
from graphql_schema import server
from rest_compat import errors, routes, schemas
from tasks.queue import open_queue
from tasks.worker import Worker

DESCRIPTION = """The history of what your vision models said about your images: browse, search, count and export it.

Every data endpoint needs an API key: `Authorization: Bearer sightlog_…`. The same history is served by GraphQL at
[`/graphql`](/graphql)."""


def create_app(settings: Settings | None = None) -> FastAPI:
    """The whole application. Its database must be up to date; the embedded one is brought there."""
    settings = settings or Settings()

    @asynccontextmanager
    async def lifespan(app: FastAPI) -> AsyncIterator[None]:
        runtime = open_runtime(settings, serves=True)
        prepare(runtime.database)
        queue = open_queue(runtime)
        app.state.runtime, app.state.queue = runtime, queue
        app.state.probes = health.open_probes(runtime, queue.check)
        app.state.receipt_keys = well_known.open_keys(runtime)
        for probe in app.state.probes.values():
            probe.ask()  # once at the start: the log says what does not answer
        registry = metrics.open_registry(runtime.database, queue.depths)
        app.state.metrics = health.metrics_probe(registry)
        served = metrics.serve(registry, settings) if settings.metrics_port else None
        worker = Worker(runtime, queue) if settings.runs_worker else None
        if worker:
            worker.start()
        runtime.last_use.start()
        try:
            yield
        finally:
            if worker:
                worker.stop()
            if served:
                served.shutdown()
            queue.close()
            runtime.last_use.stop()
            await runtime.database.close()
            runtime.close()

    app = FastAPI(
        title="Sightlog",
        version=version("sightlog-server"),
        description=DESCRIPTION,
        lifespan=lifespan,
        docs_url=None,
        redoc_url=None,
        servers=[{"url": settings.public_url.rstrip("/")}] if settings.public_url else None,
    )
    # The last one is the outermost.
    app.add_middleware(Bodies, settings=settings)
    app.add_middleware(Gate, refusal=_refusal)
    if settings.allowed_hosts:
        app.add_middleware(Hosts, hosts=settings.allowed_hosts, refusal=_refusal)
    app.add_middleware(RequestMiddleware, refusal=_refusal)
    app.add_middleware(PackedAnswers)
    if settings.cors_origins:
        hosts.allow_pages_of(app, settings.cors_origins)
    if settings.prefix:
        app.add_middleware(Prefix, prefix=settings.prefix)
    hosts.redirect_slashes(app)
    routes.mount(app)
    server.mount(app, settings)
    app.include_router(sessions.router)
    app.include_router(downloads.router)
    app.include_router(pictures.router)
    app.include_router(well_known.router)
    app.include_router(health.router)
    if not settings.metrics_port:
        app.include_router(health.metrics_router)
    pages.mount(app, settings.prefix, with_images=settings.console_images)
    app.add_exception_handler(SightlogError, _refused)
    app.add_exception_handler(RequestValidationError, _malformed)
    schemas.complete(app.openapi())
    return app


def _refusal(request: Request, error: SightlogError) -> Response:
    """In the shape of the path that was asked."""
    return (server.refusal if request.scope["path"] == "/graphql" else errors.render)(request, error)


def _refused(request: Request, error: Exception) -> Response:
    assert isinstance(error, SightlogError)
    return _refusal(request, error)


def _malformed(request: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)
    return errors.render_places(error.errors())
