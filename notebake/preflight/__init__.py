"""Everything that can fail is asked before anything is paid for; all findings at once.

One file for each thing that is looked at. No finding is good without an answer: what could not be
asked is said to be not checked.
"""
