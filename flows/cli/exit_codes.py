"""The exit codes of `notebake` and their meanings."""

DONE = 0
FAILED = 1
MISTYPED = 2
TAMPERED = 3
INCOMPLETE = 4
UNREADABLE = 5
AWAITING = 6
INTERRUPTED = 130

MEANINGS = {
    DONE: "done; for build and resume: the image is accepted",
    FAILED: "not done: standard error has the reason and the next command",
    MISTYPED: "mistyped: nothing was begun",
    TAMPERED: "history verify, report: the record was changed",
    INCOMPLETE: "history verify: something was never recorded",
    UNREADABLE: "verify, report, check, images, prune: something was not read",
    AWAITING: "build, resume, share, prune: a person has to approve it first",
    INTERRUPTED: "interrupted, by Ctrl-C or a signal",
}
