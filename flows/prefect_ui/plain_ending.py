"""Ends a flow so that Prefect's UI shows why: once, in our words, without a traceback."""

import functools
import logging
from collections.abc import Callable
from contextlib import nullcontext
from typing import Any, ParamSpec

from prefect.exceptions import Abort
from prefect.runtime import deployment
from prefect.states import Failed

from flows.next_steps import describe_error, is_read_in_ui, reading_in_ui
from flows.prefect_ui.logs import adopt_logger, show_logs_in_prefect
from notebake.errors import ApprovalRefusedError, NotebakeError
from notebake.runs.lock import ExecutedElsewhereError

log = logging.getLogger(__name__)
STATE_NAMES: dict[type[NotebakeError], str] = {ApprovalRefusedError: "Refused"}
"""Errors that Prefect's pages do not call Failed, by their classes."""
P = ParamSpec("P")


def ending_plainly(work: Callable[P, Any]) -> Callable[P, Any]:
    """Return the function of a flow, whose expected errors become the message of its state.

    Whoever calls the flow gets the error itself, as Prefect raises what a failed state holds. Our
    log records go to Prefect while it runs.
    """

    @functools.wraps(work)
    def function(*arguments: P.args, **options: P.kwargs) -> Any:
        adopt_logger(work.__module__, work.__code__.co_filename)
        show_logs_in_prefect()
        with reading_in_ui() if deployment.get_id() else nullcontext():
            try:
                return work(*arguments, **options)
            except ExecutedElsewhereError as error:
                # This ends the process and leaves the state of the flow run to the other one.
                log.info("%s", error.message)
                raise Abort(error.message) from None
            except NotebakeError as error:
                message = describe_error(error)
                if is_read_in_ui():
                    log.error("%s", message)
                return Failed(message=message, data=error, name=state_name(error))

    return function


def state_name(error: NotebakeError) -> str:
    """Return the name of the state in which a flow run ends with an error."""
    return STATE_NAMES.get(type(error), "Failed")
