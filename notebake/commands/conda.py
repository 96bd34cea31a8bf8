"""A conda environment for the image, and one that holds conda itself, both installed by rattler.

rattler solves and installs conda packages. It comes from the Python package index, by hash, as uv
does, so that no installer is downloaded from elsewhere, and has a temporary environment of its own.
Our programs that use it (`notebake/conda`) are sent to the host as source text.
"""

import inspect
import json
from collections.abc import Sequence
from importlib.resources import files
from shlex import quote

from notebake.commands.shell import variables, write_file
from notebake.conda import lock
from notebake.recipe import Software
from notebake.recipe.environment_nodes import read_environment

RATTLER_HASHES = {
    "py-rattler==0.28.0": (
        # x86_64 (manylinux_2_17), then aarch64 (manylinux_2_28)
        "4f4ab1d34d5394e7ce130a86e59009c95ace4f5757d9c3af04de1351bcea47eb",
        "61b24202374188e72130f1b3dc63b455befaafc3e49e5481a38b6a6c8828c1e0",
    ),
    "ruamel.yaml==0.19.1": ("27592957fedf6e0b62f281e96effd28043345e0e66001f97683aa9a40c667c93",),
}

MEMORY = "/dev/shm"  # noqa: S108  # a folder of its own, for its user alone, is made there
"""Where the logins of channels are while packages are installed: a snapshot keeps the blocks of a
file that was removed from a disk."""


def rattler_requirements() -> str:
    """Return the requirement lines that pin rattler by version and hash."""
    return "\n".join(
        " ".join((name, *(f"--hash=sha256:{digest}" for digest in digests)))
        for name, digests in RATTLER_HASHES.items()
    )


def write_conda_job(software: Software, packages: Sequence[str], root: str) -> list[str]:
    """Return root's commands that write the input files of `BUILD_WITH_CONDA`.

    `packages` are installed beside those of the recipe's environment.yml.
    """
    environment = read_environment(software.requirements or "")
    job = {
        "base": f"{root}/conda",
        "prefix": f"{root}/python",
        "cache": f"{root}/cache/conda",
        "private": MEMORY,
        "channels": environment.channels,
        "specs": {**dict.fromkeys(packages, 0), **environment.specs},
        "variables": environment.variables,
    }
    texts = {
        "notebake/__init__.py": "",
        **conda_modules(),
        "job.json": json.dumps(job, indent=1) + "\n",
        "pip.txt": environment.pip,
        "more.txt": "".join(f"{requirement}\n" for requirement in software.pip),
    }
    return [write_file(f"{programs_path(root)}/{name}", text) for name, text in texts.items()]


def conda_modules() -> dict[str, str]:
    """Return the sources of `notebake.conda` by path; some import rattler, so none is imported."""
    modules = sorted(files("notebake.conda").iterdir(), key=lambda file: file.name)
    return {
        f"notebake/conda/{file.name}": file.read_text(encoding="utf-8")
        for file in modules
        if file.name.endswith(".py")
    }


def programs_path(root: str) -> str:
    """Return the host directory of our own programs while they build the environment."""
    return f"{root}/asked/conda"


def build_with_conda(root: str) -> str:
    """Return the user's commands that build `$root/conda` and `$root/python`."""
    values = variables(rattler=rattler_requirements(), programs=programs_path(root))
    return f"{values}\n{BUILD_WITH_CONDA}"


def write_conda_locks() -> str:
    """Return root's commands that write lock files from which conda and pip can reinstall."""
    return LOCK_CONDA.replace("PROGRAM", quote(inspect.getsource(lock)))


def conda_is_installed(root: str) -> str:
    """Return the command that succeeds if conda is installed and manages the environment."""
    own, prefix = quote(f"{root}/conda"), quote(f"{root}/python")
    return f"test -x {own}/bin/conda && test -s {prefix}/conda-meta/history"


def conda_profile(root: str) -> str:
    """Return the shell profile that activates the environment at login and provides conda."""
    return PROFILE.replace("ROOT", quote(root))


# papermill's step removes the caches; rattler's own environment is removed at once.
BUILD_WITH_CONDA = r"""
python3 -I -c 'import sys; sys.exit(sys.version_info < (3, 10))' || {
    echo "error: manager: conda needs Python 3.10 or later on the base image; choose a base image" \
        "with a newer python3, or manager: pip" >&2
    exit 1
}
if [ "$(cat "$root/rattler/.notebake-made-of" 2> /dev/null)" != "$rattler" ]; then
    rm --recursive --force "$root/rattler"
    "$uv" --quiet venv --python "$(command -v python3)" "$root/rattler"
    "$uv" --quiet pip install --python "$root/rattler/bin/python" --no-deps --only-binary :all: \
        --require-hashes --requirements <(echo "$rattler")
    echo "$rattler" > "$root/rattler/.notebake-made-of"
fi
conda_environment() {
    env --chdir="$programs" "$root/rattler/bin/python" -m notebake.conda.environment "$1" job.json
}
sites=$(conda_environment sites)
mapfile -t sites < <(printf %s "$sites")
check_reachable "the channels of conda packages" all "${sites[@]}"
echo "conda: solving the environment"
conda_environment build
if grep --quiet '[^[:space:]]' "$programs/pip.txt" "$programs/more.txt"; then
    echo "Python: installing the packages under pip:"
    install_by_uv "$programs/pip.txt" environment.yml --requirements "$programs/more.txt"
fi
rm --recursive --force "$root/rattler"
"""

LOCK_CONDA = r"""
lock_of() { python3 -I -c PROGRAM "$1" "$root/$2"; }
lock_of explicit python | keep conda-explicit.txt
lock_of explicit conda | keep conda-itself-explicit.txt
lock_of environment python | keep environment.yml
"""

# Equivalent to `conda activate` (conda/activate.py), but without starting Python at each login. The
# definitions for bash are conda's own file.
PROFILE = r"""PATH=ROOT/python/bin:ROOT/conda/condabin:$PATH
export CONDA_PREFIX=ROOT/python CONDA_DEFAULT_ENV=ROOT/python CONDA_SHLVL=1
export CONDA_EXE=ROOT/conda/bin/conda CONDA_PYTHON_EXE=ROOT/conda/bin/python
if [ -n "${BASH_VERSION:-}" ]; then
    [ ! -r ROOT/conda/etc/profile.d/conda.sh ] || . ROOT/conda/etc/profile.d/conda.sh
    for notebake_script in ROOT/python/etc/conda/activate.d/*.sh; do
        [ ! -r "$notebake_script" ] || . "$notebake_script"
    done
    unset notebake_script
fi
"""
