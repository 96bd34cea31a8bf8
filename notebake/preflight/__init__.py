"""Everything that can fail is asked before anything is paid for; all findings at once.

One file for each thing that is looked at. No finding is good without an answer: what could not be
asked is said to be not checked.
"""

from notebake.preflight.checks import ask_everything, check_everything, refuse_wrong
from notebake.preflight.finding import CheckResult, Finding, with_verdict

__all__ = [
    "CheckResult",
    "Finding",
    "ask_everything",
    "check_everything",
    "refuse_wrong",
    "with_verdict",
]
