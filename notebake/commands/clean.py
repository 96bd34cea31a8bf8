"""Root's scripts that make a machine fit to become an image.

`scan_and_clean` searches for credentials, removes all personal files but the login, and searches
again. `remove_login` removes the login; then only EC2 can stop the machine. cloud-init's state is
removed first: if a script is killed, a stop and start of the machine lets cloud-init install the
key again.
Each script may be repeated after a kill at any point, and prints its last line only when complete.
"""

from collections.abc import Sequence
from shlex import quote

from notebake.commands.apt import LOCK_TIMEOUT_SECONDS
from notebake.commands.clean_identity import DETACH_UBUNTU_PRO, EMPTY_MACHINE_ID, REMOVE_IDENTITY
from notebake.commands.clean_logs import EMPTY_LOGS, LOGS_ARE_EMPTY
from notebake.commands.copy_on_write import REMOVE_VIEWS
from notebake.commands.package_lock import wait_for_lock
from notebake.commands.scan_engine import ENGINE_PATH, download_engine
from notebake.commands.shell import fail, script, write_file
from notebake.commands.user_data import TIMER

CLEANED = "notebake: cleaned"
LOGIN_REMOVED = "notebake: nobody can log in any more"
SCANNER_PATH = "/run/notebake/credentials.pyz"
FOUND_EXIT_CODE = 10
"""How a search ends that has found something, where it is asked to end so."""
STATE_DIRECTORY = "/var/lib/notebake"
"""Only a machine that notebake built is ever cleaned."""

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
"""What programs write down by themselves in a home, as bash expands it."""

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

HEADER = """\
unset HISTFILE
export LC_ALL=C
umask 022
shopt -s nullglob dotglob
# /root and the home of every person; a home that is not there is not a home.
mapfile -t homes < <(
    { echo /root; getent passwd | awk -F: '$3 >= 1000 {print $6}'; printf '%s\\n' /home/*; } |
    sort --unique | while IFS= read -r home; do
        if [ "$home" != / ] && [ -d "$home" ]; then printf '%s\\n' "$home"; fi
    done
)
[ ${#homes[@]} -gt 0 ]

# What was secret is overwritten where it lies: a snapshot keeps the blocks of deleted files.
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

# No timer but the dead-man switch's fires any more in this boot. The waiting half of the unattended
# upgrades goes after their lock: until then it may be in the middle of one. Where the base wants
# upgrades installed at a shutdown, it would begin them after the seal.
PACKAGE_MANAGER = f"""\
systemctl list-units --type=timer --state=active --plain --no-legend | awk '{{print $1}}' |
    {{ grep --invert-match --line-regexp --fixed-strings {TIMER} || true; }} |
    xargs --no-run-if-empty systemctl stop
{wait_for_lock(LOCK_TIMEOUT_SECONDS)}
systemctl stop unattended-upgrades.service 2> /dev/null || true
# It takes the lock that every package manager takes; lock files are never removed.
apt-get --option DPkg::Lock::Timeout=300 --quiet=2 check
[ -z "$(dpkg --audit)" ] || {{ dpkg --audit >&2; exit 1; }}"""

CLOUD_INIT = """\
# Only cloud-init's memory: machine-id follows with the login, as systemd's tools ask for it.
if command -v cloud-init >/dev/null; then cloud-init clean --logs; fi"""

PACKAGE_CACHES = """\
apt-get clean
# What the archives offer is old when the image is used, and tells of addresses like ones with
# passwords, which the search takes for what they look like.
find /var/lib/apt/lists -xdev -type f ! -name lock -delete
# conda's packages are hard links to what is installed, or their archives.
find /opt /srv /usr/local "${homes[@]}" -xdev -maxdepth 5 -type d -name conda-meta -print0 |
    while IFS= read -r -d '' found; do
        rm --recursive --force --one-file-system -- "${found%/*}/pkgs"
    done"""

FOREIGN_LOGINS = """\
for home in "${homes[@]}"; do
    [ "$home" = "$login_home" ] || wipe "$home"/.ssh/authorized_keys{,2}
done
if systemctl cat ssl-cert.service >/dev/null 2>&1; then
    # This unit makes a new pair at the next boot.
    wipe /etc/ssl/private/ssl-cert-snakeoil.key /etc/ssl/certs/ssl-cert-snakeoil.pem
fi"""

TEMPORARY = """\
# The directories of running services stay: only systemd can make them anew.
for directory in /tmp /var/tmp; do
    find "$directory" -ignore_readdir_race -xdev -mindepth 1 ! -type d "${keeping[@]}" -delete
    find "$directory" -xdev -depth -mindepth 1 -type d -empty \\
        ! -path '*/systemd-private-*' "${keeping[@]}" -delete
done"""

CHECKPOINTS = """\
# One that is part of a repository stays: it is public already, and the scan reads it.
find "${homes[@]}" "${places[@]}" -xdev -type d -name .ipynb_checkpoints -prune -print0 |
    while IFS= read -r -d '' found; do
        git -c safe.directory='*' -C "${found%/*}" ls-files --error-unmatch -- "$found" \\
            >/dev/null 2>&1 || rm --recursive --force --one-file-system -- "$found"
    done"""

LOGIN = """\
wipe /etc/ssh/ssh_host_*
for home in "${homes[@]}"; do
    [ "$home" = "$login_home" ] || wipe "$home"/.ssh/authorized_keys{,2}
done
wipe "$login_home"/.ssh/authorized_keys{,2}
left=(/etc/ssh/ssh_host_* /etc/ssh/authorized_keys*)
for home in "${homes[@]}"; do left+=("$home"/.ssh/authorized_keys*); done
for path in "${left[@]}" "${also[@]}"; do
    if [ -e "$path" ] || [ -L "$path" ]; then echo "notebake: still there: $path" >&2; exit 1; fi
done
[ ! -s /etc/machine-id ] || { echo 'notebake: /etc/machine-id is not empty' >&2; exit 1; }
sync"""


def work_name(digest: str = "*") -> str:
    """Return what the cleaning is called while it runs on a host; without a digest, any."""
    return f"clean-{digest}"


def scan_and_clean(
    *,
    program: str,
    user: str,
    units: Sequence[str] = (),
    mount_points: Sequence[str] = (),
    allowed: Sequence[tuple[str, str]] = (),
) -> str:
    """Return root's script that searches, cleans and searches again; its last line is a report.

    What somebody typed is in a history until that is cleaned away. Where the first search finds
    anything, the machine is left as it is, and its report is the last line; where the engine cannot
    be fetched, NO_ENGINE is. `program` is what `machines/credential_search.py` gives,
    `allowed` paths with rules.
    """
    early, late = (
        scan_machine(
            scanner_path=SCANNER_PATH,
            user=user,
            mount_points=mount_points,
            allowed=allowed,
            before_cleaning=is_early,
            code_if_found=FOUND_EXIT_CODE if is_early else 0,
        )
        for is_early in (True, False)
    )
    return script(
        download_engine(),
        write_file(f"{SCANNER_PATH}.base64", program, mode="0600"),
        f"base64 --decode {SCANNER_PATH}.base64 > {SCANNER_PATH}",
        f"set +e; (\n{early}\n); code=$?; set -e",
        f'[ "$code" -ne {FOUND_EXIT_CODE} ] || exit 0',
        '[ "$code" -eq 0 ] || exit "$code"',
        # From here on the early report is not the last line any more, whatever ends this.
        "echo 'notebake: searched before the cleaning'",
        f"(\n{clean_machine(user=user, units=units, mount_points=mount_points)}\n)",
        f"(\n{late}\n)",
    )


def clean_machine(
    *,
    user: str,
    units: Sequence[str] = (),
    mount_points: Sequence[str] = (),
    keep: Sequence[str] = (),
) -> str:
    """Return root's script that removes everything personal but the login.

    `units` are the services to stop first. `mount_points` are searched for checkpoints beside
    the homes. `keep` names paths below /tmp and /var/tmp that stay as they are.
    """
    stop = [f"systemctl stop -- {quote(unit)}" for unit in units]
    return script(
        _guard(user),
        HEADER,
        _login_home(user),
        _array("keeping", [word for path in keep for word in _not_below(path)]),
        _array("places", mount_points),
        PACKAGE_MANAGER,
        *stop,
        CLOUD_INIT,
        DETACH_UBUNTU_PRO,
        PACKAGE_CACHES,
        FOREIGN_LOGINS,
        CHECKPOINTS,
        f'for home in "${{homes[@]}}"; do\n    {_wipe_in_home()}\ndone',
        f"wipe {' '.join(SYSTEM_LEFTOVERS)}",
        REMOVE_VIEWS,
        REMOVE_IDENTITY,
        TEMPORARY,
        EMPTY_LOGS,
        "sync",
        f"echo {quote(CLEANED)}",
    )


def scan_machine(
    *,
    scanner_path: str,
    user: str,
    mount_points: Sequence[str] = (),
    allowed: Sequence[tuple[str, str]] = (),
    before_cleaning: bool = False,
    code_if_found: int = 0,
    engine_path: str = ENGINE_PATH,
) -> str:
    """Return root's script that prints the scanner's report as its last line.

    The disks are searched as the image will have them, in a view without what is mounted over
    them: what was written into the directory of a volume before it was mounted is seen as well.
    It ends with 0 where nothing was found, and with `code_if_found` for a report of something.
    """
    early = " --before-cleaning" if before_cleaning else ""
    let_pass = "".join(f" --allow {quote(path)} {quote(rule)}" for path, rule in allowed)
    inner = script(
        'view="$1"; shift',
        'mount --bind / "$view"',
        'for point in "$@"; do mount --bind "$point" "$view$point"; done',
        f"exec python3 -I {quote(scanner_path)} --json{early}{let_pass}"
        f" --engine {quote(engine_path)}"
        ' --root "$view" --expect-login "$login_home"'
        ' "${@/#/--mount-point=}"',
    )
    return script(
        _login_home(user),
        "export login_home",
        _array("points", sorted(mount_points)),
        'for point in "${points[@]}"; do mountpoint --quiet -- "$point" ||'
        f" {fail('nothing is mounted at $point')}; done",
        # These lie on the root disk, beside the root file system.
        "for point in /boot /boot/efi; do",
        '    if mountpoint --quiet "$point"; then points+=("$point"); fi',
        "done",
        "view=/run/notebake/view",
        'mkdir --parents --mode=0700 "$view"',
        "unshare --mount --propagation private --"
        f' bash -c {quote(inner)} scan "$view" "${{points[@]}}" ||'
        f' {{ code=$?; [ "$code" -ne 1 ] || exit {code_if_found}; exit "$code"; }}',
    )


def remove_login(*, user: str, also: Sequence[str] = ()) -> str:
    """Return root's script after which nobody can log in; the machine is then to be stopped.

    It fails unless all host keys and authorized keys are gone. `also` names what has to work
    until then but must not be in the image, such as the units of a dead-man switch: removing
    their files does not disarm them.
    """
    return script(
        _guard(user),
        HEADER,
        _login_home(user),
        _array("also", also),
        LOGS_ARE_EMPTY,
        EMPTY_MACHINE_ID,
        'wipe "${also[@]}"',
        LOGIN,
        f"echo {quote(LOGIN_REMOVED)}",
    )


def _guard(user: str) -> str:
    """Refuse to touch a machine that is not one of ours."""
    return "\n".join(
        (
            f'[ "$(id --user)" = 0 ] || {fail("only root can clean a machine")}',
            f"[ -d {STATE_DIRECTORY} ] || {fail('this machine was not built by notebake')}",
            f"getent passwd {quote(user)} >/dev/null || {fail('the login user is not there')}",
        )
    )


def _login_home(user: str) -> str:
    return f'login_home="$(getent passwd {quote(user)} | cut --delimiter=: --fields=6)"'


def _array(name: str, words: Sequence[str]) -> str:
    return f"{name}=({' '.join(map(quote, words))})"


def _not_below(path: str) -> tuple[str, ...]:
    """Return find's words for "neither this path nor what is below it"."""
    return ("!", "-path", path, "!", "-path", f"{path.rstrip('/')}/*")


def _wipe_in_home() -> str:
    return " ".join(("wipe", *(f'"$home"/{name}' for name in HOME_LEFTOVERS)))
