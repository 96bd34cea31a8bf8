"""Keeps the log of a flow run in the run store, however the flow was started."""

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from flows.terminal.log_file import LOGGERS, LogFile
from notebake.runbook.progress import StepFilter
from notebake.runs.log import run_log
from notebake.runs.run import Run

log = logging.getLogger(__name__)


@contextmanager
def keeping_log(run: Run) -> Iterator[None]:
    """Append what the block logs to the run's log, unless the command line does so already.

    The log has details that Prefect does not show.
    """
    loggers = [logging.getLogger(name) for name in LOGGERS]
    if any(isinstance(handler, LogFile) for logger in loggers for handler in logger.handlers):
        yield
        return
    with ExitStack() as stack:
        handler = LogFile(stack.enter_context(run_log(run)), show_warning=log.warning)
        stack.callback(handler.close)
        handler.addFilter(StepFilter())
        for shown in logging.getLogger().handlers:
            stack.callback(shown.setLevel, shown.level)
            shown.setLevel(max(shown.level, logging.INFO))
        for logger in loggers:
            stack.callback(logger.setLevel, logger.level)
            stack.callback(logger.removeHandler, handler)
            logger.setLevel(logging.DEBUG)
            logger.addHandler(handler)
        yield
