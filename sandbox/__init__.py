"""A small cloud on this machine: the EC2 API, with a real Linux host behind every instance."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036  (an older Python must be able to report it)
    version = ".".join(map(str, sys.version_info[:2]))
    raise SystemExit(
        f"This needs Python 3.11 or newer, and {sys.executable} is {version}: "
        "choose another, as in make PYTHON=python3.12"
    )
