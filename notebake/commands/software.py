"""The software of the image: a Python environment with JupyterLab.

All of it belongs to the login user, who may install more later, and is built as that user: what a
package's own set-up code does, it does without root. A half-built environment is built again.
What was fetched for it stays in a cache until papermill has its environment, too.
"""

import base64
from shlex import quote

from notebake.commands.conda import (
    build_with_conda,
    conda_is_installed,
    conda_profile,
    programs_path,
    write_conda_job,
    write_conda_locks,
)
from notebake.commands.reachability import CHECK_REACHABLE
from notebake.commands.shell import NETWORK_ENVIRONMENT, as_user, script, variables, write_file
from notebake.commands.uv import (
    BUILD_WITH_PIP,
    CHECK_INDEX_REACHABLE,
    DEFINE_LOCKING,
    INSTALL_BY_UV,
    INSTALL_UV,
    UV_ENVIRONMENT,
    uv_requirement,
)
from notebake.recipe import Software
from notebake.recipe.requirements import requirements_for_uv

ROOT = "/opt/notebake"
LOCK_FILE_DIRECTORY = "/var/lib/notebake/locks"
PROFILE = "/etc/profile.d/notebake.sh"
BASE_PACKAGES = ("jupyterlab", "ipykernel", "pip")


def install_software(
    software: Software,
    *,
    user: str,
    digest: str,
    root: str = ROOT,
    locks: str = LOCK_FILE_DIRECTORY,
    profile: str = PROFILE,
) -> str:
    """Return the root script that installs all of it, and writes what was resolved to `locks`."""
    built = f"grep -qsxF {quote(digest)} {quote(root)}/python/.notebake-digest"
    with_conda = software.manager == "conda"
    return script(
        NETWORK_ENVIRONMENT,
        variables(root=root, user=user, locks=locks),
        'install --directory --owner="$user" "$root"',
        *write_requirements(software, root),
        f"if {built}; then",
        'echo "Python: already there"',
        "else",
        as_user(user, *build_environment(software, digest, root)),
        "fi",
        DEFINE_LOCKING,
        LOCK,
        *(
            (write_conda_locks(), f"rm --recursive {quote(programs_path(root))}")
            if with_conda
            else ()
        ),
        write_file(profile, conda_profile(root) if with_conda else pip_profile(root)),
    )


def requested_packages(software: Software) -> tuple[str, ...]:
    """Return what the manager is asked for beside the recipe's file."""
    python = (f"python={software.python}",) if software.python else ()
    return (*BASE_PACKAGES, *python, *software.packages)


def write_requirements(software: Software, root: str) -> list[str]:
    """Return root's commands that write what was asked for: it may be longer than a command."""
    if software.manager == "conda":
        return write_conda_job(software, requested_packages(software), root)
    return [write_file(requirements_path(root), requirements_for_uv(software.requirements or ""))]


def build_environment(software: Software, digest: str, root: str) -> list[str]:
    """Return the user's commands that build the environment; the digest is written last."""
    values = variables(
        root=root,
        digest=digest,
        uv_requirement=uv_requirement(),
        packages="\n".join(requested_packages(software)),
        requirements=requirements_path(root),
    )
    build = build_with_conda(root) if software.manager == "conda" else BUILD_WITH_PIP
    before = (
        values,
        UV_ENVIRONMENT,
        CHECK_REACHABLE,
        CHECK_INDEX_REACHABLE,
        INSTALL_UV,
        INSTALL_BY_UV,
    )
    return [*before, build, FINISH]


def requirements_path(root: str) -> str:
    """Return where the recipe's requirements lie."""
    return f"{root}/asked/requirements.txt"


def pip_profile(root: str) -> str:
    """Return the line by which a login finds the environment's programs."""
    return f"PATH={quote(root)}/python/bin:$PATH\n"


def software_is_installed(digest: str, root: str = ROOT, manager: str = "pip") -> str:
    """Succeed if the environment was built from exactly this, and is whole.

    Its interpreter is asked to find the packages; starting the programs would take seconds.
    """
    python = quote(f"{root}/python")
    more = f" && {conda_is_installed(root)}" if manager == "conda" else ""
    return (
        f"grep -qsxF {quote(digest)} {python}/.notebake-digest"
        f" && test -x {python}/bin/jupyter-lab"
        f" && {python}/bin/python -c {check_modules('jupyterlab', 'ipykernel')}{more}"
    )


def read_locks(locks: str = LOCK_FILE_DIRECTORY) -> str:
    """Print each lock file: its name, a blank, and its content in base64."""
    each = 'printf "%s %s\\n" "$name" "$(base64 --wrap=0 "$name")"'
    return f"cd {quote(locks)} && for name in *; do {each} || exit 1; done"


def parse_locks(printed: str) -> dict[str, bytes]:
    """Return the lock files that `read_locks` printed."""
    named = (line.partition(" ") for line in printed.splitlines())
    return {name: base64.b64decode(content) for name, _, content in named}


def check_modules(*modules: str) -> str:
    """Return a Python program, quoted, that fails unless the modules can be found."""
    return quote(
        "import importlib.util, sys;"
        f" sys.exit(not all(map(importlib.util.find_spec, {list(modules)})))"
    )


FINISH = r"""
echo "$digest" > "$root/python/.notebake-digest.new"
mv "$root/python/.notebake-digest.new" "$root/python/.notebake-digest"
"""

LOCK = r"""
freeze python | keep requirements.txt
dpkg-query --show --showformat '${Package}=${Version}\n' | keep apt.txt
echo "Python: $(wc --lines < "$locks/requirements.txt") packages"
"""
