"""Approvals: what a person is asked for, the answer, and what it holds for.

`subject` is what is shown, with its digest; `question` what the log of approvals shows of a
question; `approval_log` asks and answers; `judge` says what follows from an answer.
"""
