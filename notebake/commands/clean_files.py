"""Shell text that removes personal and temporary files, package caches and logins of others.

`HEADER` defines what the others use: `wipe`, `find_present`, and `homes`, the homes of root and all
people.
"""

from notebake.commands.apt import LOCK_TIMEOUT_SECONDS
from notebake.commands.lease_timer import TIMER
from notebake.commands.package_lock import wait_for_lock
from notebake.commands.shell import FIND_PRESENT

HOME_LEFTOVERS = (
    ".*_history",
    ".cache",
    ".conda/pkgs",
    ".dbshell",
    ".histfile",
    ".ICEauthority",
    ".ipython/profile_*/{db,history.sqlite*,log,pid,security}",
    ".julia/logs/repl_history.jl",
    ".jupyter/lab/workspaces",
    ".lesshst",
    ".local/share/{fish/fish_history,jupyter/{nbsignatures.db*,notebook_secret,runtime}}",
    ".local/share/{lesshst,nano/search_history,recently-used.xbel,Trash}",
    ".local/state/{lesshst,nvim}",
    ".mamba/pkgs",
    ".octave_hist",
    ".Rhistory",
    ".ssh/known_hosts*",
    ".sudo_as_admin_successful",
    ".viminfo",
    ".wget-hsts",
    ".Xauthority",
    ".zhistory",
)
"""Files that programs write in a home by themselves, as bash expands them."""

SYSTEM_LEFTOVERS = (
    "/etc/notebake/jupyter-token{,.*}",
    "/var/cache/apt/archives/*.deb",
    "/var/crash/*",
    "/var/lib/cloud/{data,instance,instances,sem}",
    "/var/lib/notebake/notebook/notebake-*",
    "/var/lib/sudo/{lectured,ts}/*",
    "/var/lib/systemd/coredump/*",
    "/var/{spool/,}mail/*",
)

HEADER = (
    FIND_PRESENT
    + """\
unset HISTFILE
export LC_ALL=C
umask 022
shopt -s nullglob dotglob
# /root and the home of each person, if it exists.
mapfile -t homes < <(
    { echo /root; getent passwd | awk -F: '$3 >= 1000 {print $6}'; printf '%s\\n' /home/*; } |
    sort --unique | while IFS= read -r home; do
        if [ "$home" != / ] && [ -d "$home" ]; then printf '%s\\n' "$home"; fi
    done
)
[ ${#homes[@]} -gt 0 ]

# Secret files are overwritten in place: a snapshot keeps the blocks of deleted files.
wipe() {
    local path
    for path in "$@"; do
        if [ -f "$path" ] && [ ! -L "$path" ]; then
            shred --force --iterations=1 --remove=unlink -- "$path"
        elif [ -e "$path" ] || [ -L "$path" ]; then
            rm --recursive --force --one-file-system -- "$path"
        fi
    done
}"""
)

# From here on only the dead-man switch's timer fires in this boot. unattended-upgrades.service is
# stopped after the lock is free, as it may be upgrading until then. If it kept running, a base with
# upgrades at shutdown would begin them after the image is sealed.
STOP_PACKAGE_JOBS = f"""\
systemctl list-units --type=timer --state=active --plain --no-legend | awk '{{print $1}}' |
    {{ grep --invert-match --line-regexp --fixed-strings {TIMER} || true; }} |
    xargs --delimiter='\\n' --no-run-if-empty systemctl stop --
{wait_for_lock(LOCK_TIMEOUT_SECONDS)}
systemctl stop unattended-upgrades.service 2> /dev/null || true
# `check` takes the lock of all package managers; lock files are never removed.
apt-get --option DPkg::Lock::Timeout=300 --quiet=2 check
audit=$(dpkg --audit)
[ -z "$audit" ] || {{ echo "$audit" >&2; exit 1; }}"""

CLEAN_CLOUD_INIT = """\
# Only cloud-init's state. The machine-id is emptied with the login, as systemd's tools need it.
if command -v cloud-init >/dev/null; then cloud-init clean --logs; fi"""

CLEAN_PACKAGE_CACHES = """\
apt-get clean
# Package lists are outdated when the image is used, and hold addresses that look like credentials.
find_present /var/lib/apt/lists -xdev -type f ! -name lock -delete
# conda's package caches hold archives, and hard links to the installed files.
find_present /opt /srv /usr/local "${homes[@]}" -xdev -maxdepth 5 -type d -name conda-meta -print0 |
    while IFS= read -r -d '' found; do
        rm --recursive --force --one-file-system -- "${found%/*}/pkgs"
    done"""

WIPE_OTHER_AUTHORIZED_KEYS = """\
for home in "${homes[@]}"; do
    [ "$home" = "$login_home" ] || wipe "$home"/.ssh/authorized_keys{,2}
done"""

REMOVE_OTHER_LOGINS = f"""\
{WIPE_OTHER_AUTHORIZED_KEYS}
if systemctl cat ssl-cert.service >/dev/null 2>&1; then
    # This unit makes a new pair at the next boot.
    wipe /etc/ssl/private/ssl-cert-snakeoil.key /etc/ssl/certs/ssl-cert-snakeoil.pem
fi"""

REMOVE_TEMPORARY_FILES = """\
# Directories of running services stay: only systemd can create them again.
for directory in /tmp /var/tmp; do
    find_present "$directory" -xdev -mindepth 1 ! -type d "${keeping[@]}" -delete
    find_present "$directory" -xdev -depth -mindepth 1 -type d -empty \\
        ! -path '*/systemd-private-*' "${keeping[@]}" -delete
done"""

REMOVE_CHECKPOINTS = """\
# Checkpoints that a repository tracks stay: they are public already, and the scan reads them.
find_present "${homes[@]}" "${places[@]}" -xdev -type d -name .ipynb_checkpoints -prune -print0 |
    while IFS= read -r -d '' found; do
        git -c safe.directory='*' -C "${found%/*}" ls-files --error-unmatch -- "$found" \\
            >/dev/null 2>&1 || rm --recursive --force --one-file-system -- "$found"
    done"""

WIPE_LEFTOVERS = "\n".join(
    (
        'for home in "${homes[@]}"; do',
        " ".join(("    wipe", *(f'"$home"/{name}' for name in HOME_LEFTOVERS))),
        "done",
        f"wipe {' '.join(SYSTEM_LEFTOVERS)}",
    )
)

REMOVE_ALL_LOGINS = f"""\
wipe /etc/ssh/ssh_host_*
{WIPE_OTHER_AUTHORIZED_KEYS}
wipe "$login_home"/.ssh/authorized_keys{{,2}}
left=(/etc/ssh/ssh_host_* /etc/ssh/authorized_keys*)
for home in "${{homes[@]}}"; do left+=("$home"/.ssh/authorized_keys*); done
for path in "${{left[@]}}" "${{also[@]}}"; do
    if [ -e "$path" ] || [ -L "$path" ]; then echo "notebake: still there: $path" >&2; exit 1; fi
done
[ ! -s /etc/machine-id ] || {{ echo 'notebake: /etc/machine-id is not empty' >&2; exit 1; }}
sync"""
