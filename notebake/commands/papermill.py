"""papermill, which executes the notebook, in an environment of its own.

The image's environment holds only what the user asked for. papermill is installed after it and
reuses packages from uv's cache; installing both at once would download shared packages twice.
"""

from collections.abc import Sequence
from shlex import quote

from notebake.commands.shell import NETWORK_ENVIRONMENT, as_user, script, variables
from notebake.commands.software import LOCK_FILE_DIRECTORY, ROOT, check_modules
from notebake.commands.uv import DEFINE_LOCKING, UV_ENVIRONMENT

PACKAGES = ("papermill>=2.6,<3", "ipykernel")
LOCK_FILE = "papermill.txt"


def install_papermill(
    *,
    user: str,
    until: str | None = None,
    at_once: Sequence[str] = (),
    root: str = ROOT,
    locks: str = LOCK_FILE_DIRECTORY,
) -> str:
    """Return the root script that builds the environment and removes the package cache.

    Packages that were uploaded after `until` are not installed, but for those of `at_once`.
    """
    values = variables(
        root=root,
        packages="\n".join(PACKAGES),
        packages_until=until or "",
        packages_at_once=" ".join(at_once),
    )
    return script(
        NETWORK_ENVIRONMENT,
        variables(root=root, locks=locks, lock_file=LOCK_FILE),
        as_user(user, values, UV_ENVIRONMENT, BUILD),
        DEFINE_LOCKING,
        LOCK,
    )


def papermill_is_installed(root: str = ROOT) -> str:
    """Return the command that succeeds if the environment is complete."""
    home = quote(f"{root}/papermill")
    return f"test -x {home}/bin/papermill && {home}/bin/python -c {check_modules('papermill')}"


BUILD = r"""
rm --recursive --force "$root/papermill"
echo "Python: building papermill's environment"
"$uv" --quiet venv --python "$(command -v python3)" "$root/papermill"
"$uv" --quiet pip install --python "$root/papermill/bin/python" "${exempt[@]}" \
    --requirements <(printf '%s\n' "$packages")
"""

LOCK = r"""
rm --recursive --force "$root/cache" "$root/tmp" & removing=$!
freeze papermill | keep "$lock_file"
wait "$removing"
"""
