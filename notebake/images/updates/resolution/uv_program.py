"""uv, asked which packages it would install on an image, without installing or building any."""

import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

from notebake.commands.uv import DEFAULT_INDEX, PRINT_CONFIGURED_INDEX
from notebake.images.updates.resolution.image_python import ImagePython, ResolutionError
from notebake.images.updates.resolution.pins import Pinned, read_pins
from notebake.images.updates.resolution.uv_log import last_words, refused_versions, without_login
from notebake.timeouts import RESOLUTION_SECONDS

KEPT_SETTINGS = re.compile(
    r"UV_(?:CACHE_DIR|HTTP_TIMEOUT|INDEX_\w+_(?:USERNAME|PASSWORD)|INSECURE_HOST|KEYRING_PROVIDER"
    r"|NATIVE_TLS|SYSTEM_CERTS)"
)
"""Settings of uv on how to reach an index. Others would change what it finds."""
INDEX_SETTINGS = ("UV_DEFAULT_INDEX", "UV_INDEX_URL", "PIP_INDEX_URL")
TRACE = "uv_resolver=trace"


@dataclass(frozen=True)
class Question:
    """What uv is asked to resolve."""

    texts: tuple[str, ...]
    """Requirements files."""
    python: ImagePython
    exclude_newer: datetime | None = None
    """Files that were uploaded later are as good as not there."""
    exceptions: Mapping[str, datetime] = field(default_factory=dict)
    """Other such dates of single packages."""
    constraints: tuple[str, ...] = ()


@dataclass(frozen=True)
class Resolution:
    """What uv would install."""

    pins: Mapping[str, Pinned]
    refused: Mapping[str, frozenset[str]]
    """Versions that uv looked at and left, as they have no wheel that fits, or are withdrawn."""


def resolve(question: Question) -> Resolution:
    """Return what uv would install; each call asks the index anew.

    Raises:
        ResolutionError: it finds nothing without building from source, or is not there.
    """
    with tempfile.TemporaryDirectory(prefix="notebake-") as folder:
        line = [find_uv(), "pip", "compile", *options_of(question, Path(folder))]
        try:
            done = subprocess.run(
                line,
                cwd=folder,
                env=environment_of(question),
                capture_output=True,
                text=True,
                errors="replace",
                timeout=RESOLUTION_SECONDS,
                check=False,
            )
        except subprocess.TimeoutExpired:
            raise ResolutionError(f"uv found no end within {RESOLUTION_SECONDS} s") from None
        except OSError as error:
            raise ResolutionError(f"uv did not run: {error}") from None
    if done.returncode:
        raise ResolutionError(
            f"uv pip compile --no-build, with {index_name(question)}: {last_words(done.stderr)}"
        )
    return Resolution(read_pins(done.stdout, "what uv printed"), refused_versions(done.stderr))


def find_uv() -> str:
    """Return the path of uv: the one beside this Python, or else the first on PATH."""
    beside = Path(sys.executable).parent / "uv"
    found = str(beside) if beside.is_file() else shutil.which("uv")
    if not found:
        raise ResolutionError("uv is not installed on this computer (pip install uv)")
    return found


def options_of(question: Question, folder: Path) -> Iterator[str]:
    """Yield the options of uv pip compile, after writing the files that they name."""
    # Otherwise this computer's settings for uv would count.
    yield from ("--no-config", "--no-build", "--refresh", "--no-header", "--no-annotate")
    yield from ("--python", sys.executable, "--python-version", question.python.version)
    yield from ("--python-platform", question.python.platform)
    if question.exclude_newer:
        yield from ("--exclude-newer", stamp(question.exclude_newer))
    for name, date in question.exceptions.items():
        yield from ("--exclude-newer-package", f"{name}={stamp(date)}")
    if question.constraints:
        (folder / "constraints.txt").write_text("\n".join(question.constraints) + "\n")
        yield from ("--constraints", "constraints.txt")
    for number, text in enumerate(question.texts):
        name = f"requirements-{number}.txt"
        (folder / name).write_text(text)
        yield name


def stamp(date: datetime) -> str:
    """Return a date as uv reads it."""
    return f"{date.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"


def environment_of(question: Question) -> dict[str, str]:
    """Return the environment of uv: the machine's index, or else this computer's."""
    kept = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith("UV_") or KEPT_SETTINGS.fullmatch(name)
    }
    if index := default_index(question):
        kept["UV_DEFAULT_INDEX"] = index
    return {**kept, "UV_PYTHON_DOWNLOADS": "never", "UV_NO_PROGRESS": "1", "RUST_LOG": TRACE}


def default_index(question: Question) -> str:
    """Return the index to ask; "" for uv's own default.

    It is the machine's, with the login that this computer has for the same one; the run keeps none.
    """
    settings = (os.environ.get(name) for name in INDEX_SETTINGS)
    own = next(filter(None, settings), "") or configured_index()
    named = question.python.index
    return own if not named or without_login(own) == named else named


def index_address(question: Question) -> str:
    """Return the address below which the pages of projects are."""
    return (default_index(question) or DEFAULT_INDEX).rstrip("/")


def configured_index() -> str:
    """Return the index in the configuration of this computer's pip, or ""."""
    line = [sys.executable, "-I", "-c", PRINT_CONFIGURED_INDEX]
    try:
        done = subprocess.run(
            line, capture_output=True, text=True, timeout=RESOLUTION_SECONDS, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()


def index_name(question: Question) -> str:
    """Return the index without a login, for a message."""
    return without_login(default_index(question)) or "the default index"
