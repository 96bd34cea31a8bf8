"""Explains why a notebook's execution ended before its last cell, without an error of a cell."""

import re
from collections.abc import Sequence

from notebake.notebook.code_cell import CodeCell
from notebake.notebook.failure import Failure

LEFT = "SystemExit"
"""sys.exit() of a notebook; with 0 it is no error for papermill (papermill/execute.py, 2.7)."""
ENDS_KERNEL = re.compile(
    r"^\s*(?:(?:exit|quit)(?:\([^)\n]*\))?|q\([^)\n]*\))\s*;?\s*$", re.MULTILINE
)
"""A line that ends the kernel; it dies while the next cell begins."""


def explain_dead_kernel(begun: Sequence[CodeCell], memory: str) -> Failure:
    """Return the failure of a dead kernel; `memory` is the end of a sentence about memory."""
    last = begun[-1] if begun else None
    for cell in begun[-2:]:
        if not memory and ENDS_KERNEL.search(cell.source):
            error = f"The kernel was ended in {cell.title}, which exits"
            return Failure("dead_kernel", last, error, "Remove exit() or quit() from that cell.")
    where = f"in {last.title}" if last else "before the first cell"
    return Failure("dead_kernel", last, f"The kernel died {where}{memory}")


def find_early_end(due: Sequence[CodeCell]) -> Failure | None:
    """Return the failure if one of the cells that should run did not run."""
    skipped = [cell for cell in due if not cell.has_count]
    if not skipped:
        return None
    left = next((cell for cell in due if cell.raised and cell.raised.name == LEFT), None)
    by = f"{left.title} ended it by {LEFT}, and " if left else ""
    more = f" and {len(skipped) - 1} more" if len(skipped) > 1 else ""
    return Failure("too_little", None, f"It ended early: {by}{skipped[0].title}{more} did not run")
