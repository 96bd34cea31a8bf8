"""One execution of a run: nobody else executes it meanwhile, and it stays in its account."""

from collections.abc import Iterator
from contextlib import contextmanager

from notebake.runs.account import bound_to
from notebake.runs.account_presence import asker, settle_account
from notebake.runs.attempts import remembering
from notebake.runs.lock import RunLock, hold_run
from notebake.runs.run import Run


@contextmanager
def executing(run: Run) -> Iterator[RunLock]:
    """Hold the run, in the account that it belongs to, as long as the block runs.

    Raises:
        RunIsHeldError: another execution holds it.
        WrongAccountError: the credentials are of another account, or nobody can tell that they are
            not. Nothing was changed.
    """
    with (
        hold_run(run) as lease,
        bound_to(run, settle_account(run), asker(run)),
        remembering(run),
    ):
        yield lease
