"""One notice by a block of Prefect, to see whether it arrives."""

import inspect

import httpx
from prefect.blocks.abstract import NotificationBlock, NotificationError
from prefect.blocks.core import Block
from prefect.utilities.asyncutils import run_coro_as_sync

from notebake.errors import NotebakeError
from notebake.ledger.redaction import redact

SUBJECT, TEXT = "A trial", "Notices of notebake come here."


def send_by(block: str) -> None:
    """Send one notice by a block, such as slack-webhook/lab, of the server in use.

    Raises:
        NotebakeError: the block sends no notices, or the notice was not accepted.
    """
    loaded: object = Block.load(block)
    if not isinstance(loaded, NotificationBlock):
        raise NotebakeError(f"The block {block} sends no notices.")
    try:
        with loaded.raise_on_failure():
            sent: object = loaded.notify(TEXT, subject=SUBJECT)
            if inspect.iscoroutine(sent):
                run_coro_as_sync(sent)
    # The address of a webhook is its secret, and stands in the error of httpx.
    except httpx.HTTPStatusError as error:
        code = error.response.status_code
        raise NotebakeError(f"The block {block} did not send it: HTTP {code}.") from None
    except httpx.HTTPError as error:
        kind = type(error).__name__
        raise NotebakeError(f"The block {block} did not send it: {kind}.") from None
    except NotificationError as error:
        raise NotebakeError(f"The block {block} did not send it: {redact(error.log)}") from None
