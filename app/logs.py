"""What a process says while it runs, on standard error."""

import logging

from app.settings import Settings

_QUIET = ("alembic", "botocore", "boto3", "urllib3", "dramatiq")


def configure(settings: Settings) -> None:
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    for name in _QUIET:
        logging.getLogger(name).setLevel(logging.WARNING)
