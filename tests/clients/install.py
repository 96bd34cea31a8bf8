"""Installs the outside clients that come from PyPI and npm, each into a place of its own.

python -m tests.clients.install            # all of them
python -m tests.clients.install policy-judge

Packer and the AWS command line are packages of the distribution. Nothing here touches the project's
own environment; versions and checksums stand in each client's lock file.
"""

import hashlib
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).parent
INSTALLED = HERE.parents[1] / ".clients"
LOCKS = {
    "ansible": HERE / "ansible/requirements.txt",
    "libcloud": HERE / "libcloud/requirements.txt",
    "javascript": HERE / "javascript/package-lock.json",
    "policy-judge": HERE.parent / "policy/judge/package-lock.json",
    "crate-judge": HERE.parent / "crate/judge/requirements.txt",
    "browser": HERE.parent / "browser/chromium/requirements.txt",
    "jupyterlab": HERE.parent / "servers/jupyter/requirements.txt",
}


def main() -> int:
    """Install what is not installed yet, and say what could not be."""
    failed = []
    chosen = sys.argv[1:] or list(LOCKS)
    for name, lock in [(program, LOCKS[program]) for program in chosen]:
        if is_installed(name, lock):
            continue
        if is_of_npm(lock) and not shutil.which("npm"):
            print(f"{name} is left out: there is no npm here")  # noqa: T201
            continue
        print(f"Installing {name} …", flush=True)  # noqa: T201
        shutil.rmtree(INSTALLED / name, ignore_errors=True)
        try:
            install(name, lock)
        except subprocess.CalledProcessError as error:
            print(f"{name} is not installed: {error}", file=sys.stderr)  # noqa: T201
            failed.append(name)
            continue
        marker(name).write_text(digest(lock))
    return 1 if failed else 0


def install(name: str, lock: Path) -> None:
    place = INSTALLED / name
    place.mkdir(parents=True)
    if is_of_npm(lock):
        for file_name in ("package.json", lock.name):
            shutil.copy(lock.with_name(file_name), place)
        quietly = ("--loglevel=error", "--no-audit", "--no-fund", "--no-update-notifier")
        run("npm", "ci", *quietly, "--ignore-scripts", "--prefix", place)
        return
    python = place / "bin/python"
    uv = Path(sys.executable).with_name("uv")
    run(uv, "venv", "--quiet", "--allow-existing", "--python", sys.executable, place)
    run(uv, "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", lock)


def is_of_npm(lock: Path) -> bool:
    return lock.suffix == ".json"


def run(*words: object) -> None:
    subprocess.run([str(argument) for argument in words], check=True, stdin=subprocess.DEVNULL)


def is_installed(name: str, lock: Path) -> bool:
    """Tell whether a client was installed to its end from exactly this lock file."""
    return marker(name).exists() and marker(name).read_text() == digest(lock)


def marker(name: str) -> Path:
    return INSTALLED / name / "installed-from"


def digest(lock: Path) -> str:
    return hashlib.sha256(lock.read_bytes()).hexdigest()


if __name__ == "__main__":
    sys.exit(main())
