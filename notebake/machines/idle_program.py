"""The program of the idle stop as text within a script, and the digest of what it consists of."""

from functools import cache
from pathlib import Path

from notebake.commands.idle_units import INSTALL, SERVICE_UNIT, TIMER_UNIT
from notebake.machines import idle
from notebake.machines.host_program import pack_program
from notebake.record import digest_of

FOLDER = Path(idle.__file__).parent


@cache
def idle_program() -> str:
    """Return the package as a zip archive that Python can run, in base64."""
    return pack_program("notebake.machines.idle", FOLDER)


def idle_program_digest() -> str:
    """Return the digest of the program and of the texts that install it."""
    sources = [
        [path.name, path.read_text(encoding="utf-8")] for path in sorted(FOLDER.glob("*.py"))
    ]
    return digest_of(sources, INSTALL, SERVICE_UNIT, TIMER_UNIT)
