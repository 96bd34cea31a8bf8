"""Settings without which Prefect is loud, slow to give up, or loses our log lines.

To be set before Prefect is imported: it reads them once.
"""

import logging
import os

SETTINGS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
    "PREFECT_LOGGING_EXTRA_LOGGERS": "flows,notebake,tasks",
    "PREFECT_LOGGING_HANDLERS_API_LEVEL": "INFO",
    "PREFECT_LOGGING_TO_API_WHEN_MISSING_FLOW": "ignore",
}
QUIET = {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL"}
"""For a terminal on which we show the steps ourselves."""


def apply(*, quiet: bool = False) -> None:
    """Set what is not set yet, and let our own records reach Prefect's handlers."""
    for name, value in (SETTINGS | (QUIET if quiet else {})).items():
        os.environ.setdefault(name, value)
    for name in ("flows", "notebake", "tasks"):
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.INFO)
