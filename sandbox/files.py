"""Files: locking them, replacing them whole, and reading their end."""

import fcntl
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold the lock file while the block runs; others wait."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


@contextmanager
def locked_if_free(path: Path) -> Iterator[bool]:
    """Hold the lock file while the block runs, and say whether it was free: nothing waits."""
    with path.open() as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            yield False
        else:
            yield True


def replace_file(path: Path, text: str) -> None:
    """Write by rename, so that no reader ever sees half of the text."""
    temporary = path.with_name(f".{path.name}.new")
    temporary.write_text(text)
    temporary.replace(path)


def write_json(path: Path, content: Mapping[str, object]) -> None:
    """Write by rename, in a form that people can read."""
    replace_file(path, json.dumps(content, indent=2) + "\n")


def tail(path: Path, size: int) -> str:
    """Return the last bytes of a file as text; nothing if there is no such file."""
    if not path.exists():
        return ""
    with path.open("rb") as stream:
        stream.seek(max(0, path.stat().st_size - size))
        return stream.read().decode(errors="replace")
