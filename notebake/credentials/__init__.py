"""The credential scan of a machine's disks, before they become an image.

The package is sent to the host as one archive and runs there as root, with nothing but Python's
standard library (3.10 or later) and the engine: an existing program that recognises credentials.
A report says where a credential is, never what it is.

Our part: listing the files, extracting their texts (notebook cells, archives, git history), rules
by file name, skipping unmodified files of packages, and the report. The engine's part: recognising
credentials. It reads text from a pipe only, so no setting, ignore file or comment on the host
affects it, and nothing is skipped by its name.
"""
