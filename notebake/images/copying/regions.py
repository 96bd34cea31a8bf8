"""Copies of an image to several regions at once."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from notebake.errors import NotebakeError
from notebake.images.copying.carry_out import Copied, CopyFailedError, carry_out
from notebake.images.copying.plan import CopyPlan
from notebake.store.interface import RunStore
from notebake.waiting import interrupting_waits

MAX_AT_ONCE = 8


def copy_to_regions(
    plans: Sequence[CopyPlan], store: RunStore
) -> tuple[list[Copied], list[NotebakeError]]:
    """Carry several plans out at once; all are tried. Return what was done, and what went wrong."""
    with ThreadPoolExecutor(min(MAX_AT_ONCE, len(plans))) as pool, interrupting_waits():
        futures = [pool.submit(copy_context().run, carry_out, plan, store) for plan in plans]
        done, errors = [], []
        for future in futures:
            try:
                done.append(future.result())
            except NotebakeError as error:
                errors.append(error)
    return done, errors


def check_all_copied(errors: Sequence[NotebakeError]) -> None:
    """Raise what went wrong: a single error as it is, several as one.

    Raises:
        NotebakeError: a copy was not made.
    """
    if len(errors) == 1:
        raise errors[0]
    if errors:
        raise CopyFailedError(
            "\n".join(error.message for error in errors),
            "\n".join(filter(None, dict.fromkeys(error.hint for error in errors))),
        ).with_next(*(command for error in errors for command in error.next_commands))
