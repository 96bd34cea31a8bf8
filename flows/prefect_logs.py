"""Our own log lines in Prefect, however the flow was started.

Prefect reads which loggers to take along once, when it is imported; a worker, or whoever calls a
flow, has imported it before any of our code runs.
"""

import logging

from prefect.context import FlowRunContext, TaskRunContext
from prefect.logging.handlers import APILogHandler, PrefectConsoleHandler

from flows.terminal.steady_stream import steady

LOGGERS = ("flows", "notebake", "tasks")


def show_logs_in_prefect() -> None:
    """Send our records to Prefect's server from now on. May be repeated.

    What Prefect shows beside that may fail: its console would end the thread that logs (Rich calls
    `sys.exit` where a pipe is broken).
    """
    for handler in logging.getLogger().handlers:
        if isinstance(handler, PrefectConsoleHandler):
            handler.console.file = steady(handler.console.file)
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.INFO)
        if not any(isinstance(handler, APILogHandler) for handler in logger.handlers):
            handler = APILogHandler()
            handler.setLevel(logging.INFO)
            handler.addFilter(belongs_to_a_run)
            logger.addHandler(handler)


def belongs_to_a_run(_record: logging.LogRecord) -> bool:
    """Tell whether Prefect would know where to show a record of this thread."""
    return FlowRunContext.get() is not None or TaskRunContext.get() is not None
