"""`make stack`: production on a laptop. PostgreSQL, Redis and S3, two API processes, two workers, the demo."""

import shutil
import tempfile
from pathlib import Path

from app import signals
from tools import servers
from tools.stack import Stack


def main() -> None:
    wait = signals.ending()
    folder = Path(tempfile.mkdtemp(prefix="sightlog-stack-"))
    try:
        print("Starting PostgreSQL, Redis and SeaweedFS …", flush=True)
        with servers.start_all(folder) as real:
            real.postgres.create_database("sightlog")
            real.s3.create_bucket("sightlog")
            settings = real.environment("sightlog", "sightlog")
            with Stack(folder, settings, apis=2, workers=2) as stack:
                key = stack.run("demo").stdout.decode().strip()
                link = stack.run("keys", "link", key, "--url", stack.url).stdout.decode().strip()
                print(announcement(stack, settings, key, link), flush=True)
                wait()
                print("Stopping …", flush=True)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def announcement(stack: Stack, settings: dict[str, str], key: str, link: str) -> str:
    first, second = (f"http://127.0.0.1:{port}" for port in stack.ports)
    lines = [
        "",
        f"  Sightlog is at {first} and {second}, with two workers",
        "",
        f"    Sign in     {link}   (works once)",
        f"    GraphiQL    {first}/graphql",
        f"    REST docs   {first}/docs",
        f"    API key     {key}   (account: demo)",
        "",
        f"    PostgreSQL  {settings['SIGHTLOG_DATABASE_URL']}",
        f"    Redis       {settings['SIGHTLOG_REDIS_URL']}",
        f"    S3          {settings['SIGHTLOG_S3_ENDPOINT_URL']}, bucket {settings['SIGHTLOG_S3_BUCKET']}",
        f"    logs        {stack.folder}",
        "",
        "  Ctrl-C stops all of it.",
        "",
    ]
    return "\n".join(lines)


if __name__ == "__main__":
    main()
