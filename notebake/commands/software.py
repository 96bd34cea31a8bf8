"""The software of the image: a Python environment with JupyterLab.

The environment belongs to the login user, who may install more later, and is built as that user, so
that set-up code of packages runs without root. A partial environment is rebuilt. The download cache
stays until papermill's environment is built, too.
"""

import base64
from collections.abc import Sequence
from shlex import quote

from notebake.commands.apt import write_apt_locks
from notebake.commands.conda import (
    build_with_conda,
    conda_is_installed,
    conda_profile,
    programs_path,
    write_conda_job,
    write_conda_locks,
)
from notebake.commands.python_lock import write_python_lock
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
    until: str | None = None,
    at_once: Sequence[str] = (),
    root: str = ROOT,
    locks: str = LOCK_FILE_DIRECTORY,
    profile: str = PROFILE,
) -> str:
    """Return the root script that builds the environment and writes the lock files to `locks`.

    Python packages that were uploaded after `until` are not installed, but for those of `at_once`.
    """
    with_conda = software.manager == "conda"
    values = {"packages_until": until or "", "packages_at_once": " ".join(at_once)}
    profile_text = conda_profile(root) if with_conda else f"PATH={quote(root)}/python/bin:$PATH\n"
    remove_programs = f"rm --recursive {quote(programs_path(root))}"
    return script(
        NETWORK_ENVIRONMENT,
        variables(root=root, user=user, locks=locks),
        'install --directory --owner="$user" "$root"',
        DEFINE_LOCKING,
        RECORD_APT.replace("WRITE_LOCKS", write_apt_locks()),
        *write_requirements(software, root),
        f"if {_has_digest(digest, root)}; then",
        'echo "Python: already there"',
        "else",
        as_user(user, variables(**values), *build_environment(software, digest, root)),
        "fi",
        LOCK,
        write_python_lock(user, root),
        *((write_conda_locks(), remove_programs) if with_conda else ()),
        write_file(profile, profile_text),
    )


def requested_packages(software: Software) -> tuple[str, ...]:
    """Return the packages to install beside those in the recipe's requirements."""
    python = (f"python={software.python}",) if software.python else ()
    return (*BASE_PACKAGES, *python, *software.packages)


def write_requirements(software: Software, root: str) -> list[str]:
    """Return root's commands that write the requirements, which may be too long for an argument."""
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
    install_uv = (UV_ENVIRONMENT, CHECK_REACHABLE, CHECK_INDEX_REACHABLE, INSTALL_UV, INSTALL_BY_UV)
    build = build_with_conda(root) if software.manager == "conda" else BUILD_WITH_PIP
    return [values, *install_uv, build, FINISH]


def requirements_path(root: str) -> str:
    """Return the path of the recipe's requirements on the host."""
    return f"{root}/asked/requirements.txt"


def software_is_installed(digest: str, root: str = ROOT, manager: str = "pip") -> str:
    """Return the command that succeeds if the environment has this digest and is complete.

    It only looks up the packages; starting the programs would take seconds.
    """
    python = quote(f"{root}/python")
    more = f" && {conda_is_installed(root)}" if manager == "conda" else ""
    return (
        f"{_has_digest(digest, root)} && test -x {python}/bin/jupyter-lab"
        f" && {python}/bin/python -c {check_modules('jupyterlab', 'ipykernel')}{more}"
    )


def _has_digest(digest: str, root: str) -> str:
    return f"grep -qsxF {quote(digest)} {quote(f'{root}/python')}/.notebake-digest"


def read_locks(locks: str = LOCK_FILE_DIRECTORY) -> str:
    """Return the command that prints each lock file: name, blank, content in base64."""
    each = 'content=$(base64 --wrap=0 "$name") && printf "%s %s\\n" "$name" "$content"'
    return f"cd {quote(locks)} && for name in *; do {each} || exit 1; done"


def parse_locks(printed: str) -> dict[str, bytes]:
    """Return the lock files that `read_locks` printed."""
    lines = (line.partition(" ") for line in printed.splitlines())
    return {name: base64.b64decode(content) for name, _, content in lines}


def check_modules(*modules: str) -> str:
    """Return a Python program, quoted, that fails unless it finds all modules."""
    return quote(
        "import importlib.util, sys;"
        f" sys.exit(not all(map(importlib.util.find_spec, {list(modules)})))"
    )


FINISH = r"""
echo "$digest" > "$root/python/.notebake-digest.new"
mv "$root/python/.notebake-digest.new" "$root/python/.notebake-digest"
"""

# apt takes seconds to say where packages come from; nothing that follows installs any by apt.
RECORD_APT = r"""
record_apt() {
WRITE_LOCKS
}
record_apt &
recording=$!
"""

LOCK = r"""
wait "$recording"
freeze python | keep requirements.txt
echo "Python: $(wc --lines < "$locks/requirements.txt") packages"
"""
