"""The server process."""

import socket

import uvicorn

from app.main import create_app
from app.settings import Settings


def serve(settings: Settings, host: str, port: int, demo_key: str | None) -> None:
    """Serves until SIGTERM or Ctrl-C; running requests finish first."""
    config = uvicorn.Config(
        create_app(settings),
        host=host,
        port=port,
        log_config=None,
        timeout_graceful_shutdown=20,
        server_header=False,
        proxy_headers=True,
        h11_max_incomplete_event_size=64 * 1024,
    )
    _Server(config, settings.public_url, demo_key).run()


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, url: str, demo_key: str | None) -> None:
        super().__init__(config)
        self._url = url.rstrip("/")
        self._demo_key = demo_key

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            print(self._announcement(), flush=True)

    def _announcement(self) -> str:
        fragment = f"#key={self._demo_key}" if self._demo_key else ""
        lines = [
            "",
            f"  Sightlog is at {self._url}",
            "",
            f"    GraphiQL   {self._url}/graphql{fragment}",
            f"    REST docs  {self._url}/docs{fragment}",
        ]
        if self._demo_key:
            lines.append(f"    API key    {self._demo_key}   (account: demo)")
        return "\n".join([*lines, "", "  Ctrl-C ends it.", ""])
