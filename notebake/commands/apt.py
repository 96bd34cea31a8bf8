"""Packages of the distribution, installed without questions and without touching a lock file."""

from collections.abc import Sequence
from shlex import quote

from notebake.commands.package_lock import wait_for_lock
from notebake.commands.reachability import CHECK_APT_REACHABLE, CHECK_REACHABLE
from notebake.commands.shell import write_file

LOCK_TIMEOUT_SECONDS = 600
"""How long apt waits for a lock that somebody else holds."""
SUSPEND_NEEDRESTART = "NEEDRESTART_SUSPEND=1 NEEDRESTART_MODE=l"
"""needrestart would restart what uses an upgraded library, our own work among it; one that does
not know the first word (before 3.5) only lists by the second."""
NEEDRESTART_FILE = "/etc/needrestart/conf.d/notebake.conf"


def install_packages(packages: Sequence[str]) -> str:
    """Return the root commands that install packages, and what the other steps cannot do without.

    Ends with every package configured; nothing is fetched where nothing is missing.
    """
    waiting = f"wait_for_lock() {{\n{wait_for_lock(LOCK_TIMEOUT_SECONDS)}\n}}\n"
    return (
        f"{_wanted(packages)}{FIND_MISSING}{waiting}{CHECK_REACHABLE}{CHECK_APT_REACHABLE}{INSTALL}"
    )


def packages_are_installed(packages: Sequence[str]) -> str:
    """Succeed if there is nothing to install, and no installation was interrupted."""
    ask = f'{FIND_MISSING}find_missing\n[ -z "${{missing[*]}}$(dpkg --audit)" ]'
    return f"bash -c {quote(_wanted(packages) + ask)}"


def exempt_our_services() -> str:
    """Return root's commands by which needrestart leaves our work, and JupyterLab, as they are.

    On Ubuntu it restarts by itself what uses a library that was upgraded in the night, and a
    person's kernels would end with their server. It lists them instead (needrestart.conf).
    """
    return write_file(NEEDRESTART_FILE, "$nrconf{override_rc}{qr(^notebake-)} = 0;\n")


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

# debconf would wait for an answer on a terminal that nobody sees. apt's own option waits for dpkg's
# locks alone, not for that of the lists.
INSTALL = r"""
export DEBIAN_FRONTEND=noninteractive SUSPEND_NEEDRESTART
apt_get() {
    apt-get --quiet --assume-yes --option DPkg::Lock::Timeout=LOCK_SECONDS \
        --option Acquire::Retries=3 \
        --option Dpkg::Options::=--force-confdef --option Dpkg::Options::=--force-confold "$@"
}
try_thrice() {
    "$@" || { sleep "${retry_seconds:-10}"; "$@"; } || { sleep "${retry_seconds:-10}"; "$@"; }
}
# A package that somebody else is installing at this moment is none that was interrupted.
wait_for_lock
if [ -n "$(dpkg --audit)" ]; then
    echo "apt: finishing an interrupted installation"
    try_thrice dpkg --configure -a
fi
find_missing
echo "apt: ${#missing[@]} of ${#wanted[@]} packages to install"
if [ "${#missing[@]}" -gt 0 ]; then
    reach_apt
    try_thrice apt_get update
    wait_for_lock
    apt_get install --no-install-recommends -- "${missing[@]}"
    apt_get clean
fi
if [ -n "$(dpkg --audit)" ]; then
    dpkg --audit >&2
    exit 1
fi
""".replace("SUSPEND_NEEDRESTART", SUSPEND_NEEDRESTART).replace(
    "LOCK_SECONDS", str(LOCK_TIMEOUT_SECONDS)
)
