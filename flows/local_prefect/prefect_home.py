"""A home for Prefect, below ours where it has no usable one of its own."""

import os
from pathlib import Path

from flows.local_prefect.choice import profiles_path
from notebake.local.home import home


def give_prefect_a_home() -> None:
    """Let Prefect find a home in which it can write. To be called before it is imported.

    Its profiles are read from where they are.
    """
    give_a_home_to_python()
    own = Path(os.environ.get("PREFECT_HOME") or "~/.prefect").expanduser()
    if not is_writable(own):
        os.environ.setdefault("PREFECT_PROFILES_PATH", str(profiles_path()))
        os.environ["PREFECT_HOME"] = str(home() / "prefect")


def give_a_home_to_python() -> None:
    """Set HOME to our home where nobody knows one: Prefect asks for it while it is imported."""
    try:
        Path.home()
    except RuntimeError:
        os.environ["HOME"] = str(home())


def is_writable(directory: Path) -> bool:
    """Tell whether a directory can be written, or made."""
    while not directory.exists() and directory != directory.parent:
        directory = directory.parent
    return directory.is_dir() and os.access(directory, os.W_OK | os.X_OK)
