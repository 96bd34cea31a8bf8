"""The one limit of all tests: it ends what hangs, and no machine is too slow to keep it.

No test asserts how long something takes. What is about time has a clock of its own.
"""

HANG_SECONDS = 900
