"""Packages of the distribution, installed without questions and without touching a lock file."""

from collections.abc import Sequence
from shlex import quote

PROGRAMS = ("apt", "apt-get", "aptitude", "dpkg", "unattended-upgr")
"""Who holds the package lock, by the names that the kernel knows: at most 15 characters."""


def package_manager_runs() -> str:
    """Succeed while a package manager runs. pgrep takes no more than 15 characters at a time."""
    names = " || ".join(f"pgrep --exact {quote(name)}" for name in PROGRAMS)
    return f"{{ {names}; }} > /dev/null"


def install_packages(packages: Sequence[str]) -> str:
    """Return the root commands that install packages, and what the other steps cannot do without.

    Ends with every package configured; nothing is fetched where nothing is missing.
    """
    return f"{_wanted(packages)}{FIND_MISSING}{INSTALL}"


def packages_are_installed(packages: Sequence[str]) -> str:
    """Succeed if there is nothing to install, and no installation was interrupted."""
    ask = f'{FIND_MISSING}find_missing\n[ -z "${{missing[*]}}$(dpkg --audit)" ]'
    return f"bash -c {quote(_wanted(packages) + ask)}"


def _wanted(packages: Sequence[str]) -> str:
    return f"wanted=({' '.join(quote(package) for package in packages)})\n"


FIND_MISSING = r"""
is_installed() {
    [ "$(dpkg-query --show --showformat '${db:Status-Abbrev}' "$1" 2> /dev/null)" = "ii " ]
}
find_missing() {
    command -v git > /dev/null || wanted+=(git)
    command -v curl > /dev/null || wanted+=(curl)
    python3 -c "import ensurepip" 2> /dev/null || wanted+=(python3-venv)
    missing=()
    for package in "${wanted[@]}"; do
        is_installed "$package" || missing+=("$package")
    done
}
"""

# needrestart and debconf would wait for an answer on a terminal that nobody sees.
INSTALL = r"""
export DEBIAN_FRONTEND=noninteractive NEEDRESTART_MODE=a
apt_get() {
    apt-get --quiet --assume-yes --option DPkg::Lock::Timeout=600 --option Acquire::Retries=3 \
        --option Dpkg::Options::=--force-confdef --option Dpkg::Options::=--force-confold "$@"
}
try_thrice() {
    "$@" || { sleep "${retry_seconds:-10}"; "$@"; } || { sleep "${retry_seconds:-10}"; "$@"; }
}
if [ -n "$(dpkg --audit)" ]; then
    echo "apt: finishing an interrupted installation"
    try_thrice dpkg --configure -a
fi
find_missing
echo "apt: ${#missing[@]} of ${#wanted[@]} packages to install"
if [ "${#missing[@]}" -gt 0 ]; then
    try_thrice apt_get update
    apt_get install --no-install-recommends -- "${missing[@]}"
    apt_get clean
fi
if [ -n "$(dpkg --audit)" ]; then
    dpkg --audit >&2
    exit 1
fi
"""
