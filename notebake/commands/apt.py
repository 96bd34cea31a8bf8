"""apt packages, installed without prompts and without removing a lock file."""

import inspect
from collections.abc import Sequence
from shlex import quote

from notebake.apt import packages as package_program
from notebake.apt import sources as source_program
from notebake.commands.package_lock import wait_for_lock
from notebake.commands.reachability import CHECK_REACHABLE
from notebake.commands.shell import write_file

LOCK_TIMEOUT_SECONDS = 600
"""How long apt waits for a lock that another process holds."""
SUSPEND_NEEDRESTART = "NEEDRESTART_SUSPEND=1 NEEDRESTART_MODE=l"
"""needrestart would restart the services that use an upgraded library, ours among them. Versions
before 3.5 ignore the first variable; the second makes them only list the services."""
NEEDRESTART_FILE = "/etc/needrestart/conf.d/notebake.conf"


def install_packages(packages: Sequence[str], *, with_updates: bool = False) -> str:
    """Return root's commands that install these packages and those that later steps need.

    They end with every package configured, and download nothing if no package is missing, unless
    all that is installed is to be brought up to date first.
    """
    waiting = f"wait_for_lock() {{\n{wait_for_lock(LOCK_TIMEOUT_SECONDS)}\n}}\n"
    checks = f"{CHECK_REACHABLE}{CHECK_APT_REACHABLE}"
    before = UPDATE if with_updates else ""
    install = INSTALL.replace("UPDATE_ALL\n", before)
    return f"{_wanted(packages)}{FIND_MISSING}{waiting}{checks}{install}"


def packages_are_installed(packages: Sequence[str]) -> str:
    """Return the command that succeeds if no package is missing or half installed."""
    check = f'{FIND_MISSING}find_missing\naudit=$(dpkg --audit) && [ -z "${{missing[*]}}$audit" ]'
    return f"bash -c {quote(_wanted(packages) + check)}"


def exempt_our_services() -> str:
    """Return root's commands that keep needrestart from restarting our services.

    On Ubuntu, needrestart restarts services after nightly upgrades of their libraries. A restart of
    JupyterLab would end its users' kernels, so needrestart only lists it (needrestart.conf).
    """
    return write_file(NEEDRESTART_FILE, "$nrconf{override_rc}{qr(^notebake-)} = 0;\n")


def write_apt_locks() -> str:
    """Return root's commands that write the lock files of apt; they need `keep` (`DEFINE_LOCKING`).

    `apt.txt` has a line for each package; the other two say where packages come from, and which
    keys are trusted.
    """
    packages, sources = (
        quote(inspect.getsource(each)) for each in (package_program, source_program)
    )
    return f"""{LOCK_APT}python3 -I -c {packages} | keep apt-packages.json
python3 -I -c {sources} /etc/apt | keep apt-sources.json
"""


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

# On a fresh machine there are no Release files yet: without --no-release-info apt would list no
# target. If apt gets its proxy from a program, or a source is not http, the check is skipped.
CHECK_APT_REACHABLE = r"""
check_apt_reachable() {
    local detection proxy sites
    mapfile -t sites < <(
        apt-get indextargets --no-release-info --format '$(SITE)' 2> /dev/null |
            sort --unique |
            { grep --extended-regexp '^https?://' || true; }
    )
    proxy=$(apt-config dump --format '%v%n' Acquire::http::Proxy 2> /dev/null | sed --quiet 1p)
    detection=$(apt-config dump 2> /dev/null | sed --quiet '/::Proxy-Auto-\?Detect/Ip')
    [ -z "$detection" ] || return 0
    (
        case $proxy in DIRECT) unset http_proxy https_proxy ;; ?*)
            export http_proxy=$proxy https_proxy=$proxy ;;
        esac
        check_reachable "the package repositories of apt" any "${sites[@]}"
    )
}
"""
"""Defines `check_apt_reachable`, which fails if none of apt's repositories is reachable."""

# Nothing is removed: what needs that stays as it is. What Ubuntu hands out in phases is installed
# too, as each machine from the image would decide otherwise, and a check counts it.
UPDATE = r"""
echo "apt: bringing what is installed up to date"
check_apt_reachable
try_thrice apt_get update
wait_for_lock
apt_get upgrade --with-new-pkgs --option APT::Get::Always-Include-Phased-Updates=true
apt_get clean
"""

# debconf would wait for an answer on a terminal that does not exist. apt's lock timeout covers
# dpkg's locks only, not the lock on the package lists: hence `wait_for_lock`.
INSTALL = r"""
export DEBIAN_FRONTEND=noninteractive SUSPEND_NEEDRESTART
apt_get() {
    apt-get --quiet --assume-yes --option DPkg::Lock::Timeout=LOCK_TIMEOUT_SECONDS \
        --option Acquire::Retries=3 \
        --option Dpkg::Options::=--force-confdef --option Dpkg::Options::=--force-confold "$@"
}
try_thrice() {
    "$@" || { sleep "${retry_seconds:-10}"; "$@"; } || { sleep "${retry_seconds:-10}"; "$@"; }
}
# A package that another process is installing at this moment is not an interrupted one.
wait_for_lock
audit=$(dpkg --audit)
if [ -n "$audit" ]; then
    echo "apt: finishing an interrupted installation"
    try_thrice dpkg --configure -a
fi
UPDATE_ALL
find_missing
echo "apt: ${#missing[@]} of ${#wanted[@]} packages to install"
if [ "${#missing[@]}" -gt 0 ]; then
    check_apt_reachable
    try_thrice apt_get update
    wait_for_lock
    apt_get install --no-install-recommends -- "${missing[@]}"
    apt_get clean
fi
audit=$(dpkg --audit)
if [ -n "$audit" ]; then
    echo "$audit" >&2
    exit 1
fi
""".replace("SUSPEND_NEEDRESTART", SUSPEND_NEEDRESTART).replace(
    "LOCK_TIMEOUT_SECONDS", str(LOCK_TIMEOUT_SECONDS)
)

LOCK_APT = r"""
dpkg-query --show --showformat '${Package}=${Version}\n' | keep apt.txt
"""
