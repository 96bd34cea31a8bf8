"""Settings without which Prefect is loud.

To be set before Prefect is imported: it reads them once.
"""

import os

SETTINGS = {
    "DO_NOT_TRACK": "1",
    "PREFECT_SERVER_ANALYTICS_ENABLED": "false",
}
QUIET = {"PREFECT_LOGGING_HANDLERS_CONSOLE_LEVEL": "CRITICAL"}
"""For a terminal on which we show the steps ourselves."""


def apply(*, quiet: bool = False) -> None:
    """Set what is not set yet."""
    for name, value in (SETTINGS | (QUIET if quiet else {})).items():
        os.environ.setdefault(name, value)
