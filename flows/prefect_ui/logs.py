"""Sends our log records to Prefect, however the flow was started.

Prefect decides at its import which loggers it forwards. A worker, or a program that calls a flow,
has imported it before our code runs.
"""

import logging
from pathlib import Path

from prefect.context import FlowRunContext, TaskRunContext
from prefect.logging.handlers import APILogHandler, PrefectConsoleHandler

from flows.terminal.log_file import LOGGERS
from flows.terminal.steady_stream import steady
from notebake.errors import NotebakeError

ENGINE_LOGGERS = ("prefect.flow_runs", "prefect.task_runs")
"""Where Prefect logs how flow runs and task runs end."""
EXPECTED = (NotebakeError, InterruptedError)
FLOWS = "flows"


def show_logs_in_prefect() -> None:
    """Send our records to Prefect's server from now on. May be repeated.

    Prefect's console must not fail: Rich calls `sys.exit` for a broken pipe, which would end the
    thread that logs.
    """
    for handler in logging.getLogger().handlers:
        if isinstance(handler, PrefectConsoleHandler):
            handler.console.file = steady(handler.console.file)
    for name in ENGINE_LOGGERS:
        logging.getLogger(name).addFilter(shorten_failure)
    for name in LOGGERS:
        logger = logging.getLogger(name)
        if logger.level == logging.NOTSET:
            logger.setLevel(logging.INFO)
        if not any(isinstance(handler, APILogHandler) for handler in logger.handlers):
            handler = APILogHandler()
            handler.setLevel(logging.INFO)
            handler.addFilter(belongs_to_a_run)
            logger.addHandler(handler)


def adopt_logger(module_name: str, path: str) -> None:
    """Let the logger of a flow's own file be one of ours, by whatever name Prefect has loaded it.

    Of a deployment's entrypoint a worker loads the file, as the module `update_image` for example
    (prefect 3.8.8, utilities/importtools.py), so that its records would go nowhere.
    """
    if Path(path).parent.name == FLOWS and not module_name.startswith(f"{FLOWS}."):
        logger = logging.getLogger(module_name)
        logger.name = f"{FLOWS}.{Path(path).stem}"
        logger.parent = logging.getLogger(FLOWS)


def belongs_to_a_run(_record: logging.LogRecord) -> bool:
    """Return whether this thread belongs to a flow run or task run, whose log Prefect shows."""
    return FlowRunContext.get() is not None or TaskRunContext.get() is not None


def shorten_failure(record: logging.LogRecord) -> bool:
    """Take the traceback of an expected error, and what is said elsewhere, out of Prefect's record.

    The flow logs the error itself, and the state has it as its message.
    """
    text = record.getMessage()
    values = record.args if isinstance(record.args, tuple) else ()
    errors = [each for each in (*values, *(record.exc_info or ())) if isinstance(each, EXPECTED)]
    if errors:
        _, _, then = text.rpartition(" - ")
        first_line = str(errors[0]).partition("\n")[0]
        record.msg = f"{first_line} - {then}" if "Retry" in then else "This step has failed"
        record.args, record.exc_info, record.exc_text = (), None, None
    elif text.startswith("Finished in state ") and ("\\n" in text or "InterruptedError" in text):
        record.msg, record.args = text.partition("(")[0], ()
    return True
