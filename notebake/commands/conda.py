"""An environment from conda-forge, and one that holds conda itself, both made by rattler.

rattler solves and installs conda's packages; it comes from the index of Python packages, by hash,
with which uv came as well, so that no installer is fetched from elsewhere. It has an environment
of its own for as long as it works. The programs that use it are our own and go along as text.
"""

import inspect
import json
from collections.abc import Mapping, Sequence
from importlib.resources import files
from shlex import quote

from notebake.commands.shell import variables, write_file
from notebake.conda import activation, channels, lock, trouble
from notebake.conda import prefix as conda_prefix
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
RATTLER_MODULES = ("machine", "environment")
"""Programs that are read, not imported: here is no rattler."""
STANDARD_LIBRARY_MODULES = (channels, trouble, activation, lock, conda_prefix)


def rattler_requirements() -> str:
    """Return the lines of a requirements file that admit exactly this rattler."""
    return "\n".join(
        " ".join((name, *(f"--hash=sha256:{digest}" for digest in digests)))
        for name, digests in RATTLER_HASHES.items()
    )


def write_conda_job(software: Software, specs: Sequence[str], root: str) -> list[str]:
    """Return root's commands that write what `BUILD_WITH_CONDA` goes by: it is too long for a word.

    `specs` are the packages of conda beside those of the recipe's environment.yml.
    """
    environment = read_environment(software.requirements or "")
    job = {
        "base": f"{root}/conda",
        "prefix": f"{root}/python",
        "cache": f"{root}/cache/conda",
        "private": f"{root}/tmp/logins.json",  # noqa: S108  # the root is not the system's
        "channels": environment.channels,
        "specs": {**dict.fromkeys(specs, 0), **environment.specs},
        "variables": environment.variables,
    }
    sources = {
        one.__name__.rpartition(".")[2]: inspect.getsource(one) for one in STANDARD_LIBRARY_MODULES
    }
    texts = {
        **{f"notebake/conda/{name}.py": text for name, text in sources.items()},
        "notebake/__init__.py": "",
        "notebake/conda/__init__.py": "",
        **{f"notebake/conda/{name}.py": module_source(name) for name in RATTLER_MODULES},
        "job.json": json.dumps(job, indent=1) + "\n",
        "pip.txt": join_by_line_number(environment.pip),
        "more.txt": "".join(f"{one}\n" for one in software.pip),
    }
    return [write_file(f"{programs_path(root)}/{name}", text) for name, text in texts.items()]


def module_source(name: str) -> str:
    """Return the text of one of our own modules."""
    return files("notebake.conda").joinpath(f"{name}.py").read_text(encoding="utf-8")


def programs_path(root: str) -> str:
    """Return where our own programs lie while the environment is made."""
    return f"{root}/asked/conda"


def build_with_conda(root: str) -> str:
    """Return the user's commands that make `$root/conda` and `$root/python`."""
    values = variables(rattler=rattler_requirements(), programs=programs_path(root))
    return f"{values}\n{BUILD_WITH_CONDA}"


def join_by_line_number(by_line: Mapping[int, str]) -> str:
    """Return a text that has each in its line, so that messages name the lines of the file."""
    last = max(by_line, default=0)
    return "".join(f"{by_line.get(number, '')}\n" for number in range(1, last + 1))


def write_conda_locks() -> str:
    """Return root's commands that keep what was installed, as conda and pip can take it again."""
    return LOCK_CONDA.replace("PROGRAM", quote(inspect.getsource(lock)))


def conda_is_installed(root: str) -> str:
    """Succeed if conda is there, and knows the environment as one of its own."""
    own, prefix = quote(f"{root}/conda"), quote(f"{root}/python")
    return f"test -x {own}/bin/conda && test -s {prefix}/conda-meta/history"


def conda_profile(root: str) -> str:
    """Return the lines by which a login has the environment activated, and conda at hand."""
    return PROFILE.replace("ROOT", quote(root))


# The caches stay until papermill's step clears them; rattler's own environment goes at once.
BUILD_WITH_CONDA = r"""
python3 -I -c 'import sys; sys.exit(sys.version_info < (3, 10))' || {
    echo "error: conda's environments are made by a program that needs Python 3.10;" \
        "take a base image whose python3 is as new, or manager: pip" >&2
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
reach "the channels of conda packages" all "${sites[@]}"
echo "conda: solving the environment"
conda_environment build
if grep --quiet '[^[:space:]]' "$programs/pip.txt" "$programs/more.txt"; then
    echo "Python: adding what pip: lists"
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

# As `conda activate` does (conda/activate.py), but without starting Python at each login. What it
# defines for bash is conda's own file.
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
