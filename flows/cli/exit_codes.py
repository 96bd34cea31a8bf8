"""The exit codes of `notebake`, for scripts: what each of them promises."""

DONE = 0
FAILED = 1
MISTYPED = 2
INTERRUPTED = 130

MEANINGS = {
    DONE: "done; for build and resume: the image is accepted",
    FAILED: "not done: standard error says why, and what to type next",
    MISTYPED: "mistyped: nothing was begun",
    INTERRUPTED: "interrupted, by Ctrl-C or a signal",
}
