"""Amazon EFS on a host: the client that mounts it, and its lines in fstab.

No bake mounts it: a builder has no role. None of this has met a real EFS.
"""

from collections.abc import Sequence
from shlex import quote

from notebake.commands.shell import array, script, variables
from notebake.commands.volumes import FSTAB, STATE
from notebake.recipe import Efs, EfsClient

PACKAGE = "amazon-efs-utils"
PACKAGES_URL = "https://amazon-efs-utils.aws.com/repo/deb/ubuntu"
"""AWS's packages by Ubuntu's release; INSTALL.md of github.com/aws/efs-utils (3.2.0) names the
site, issue 373 there the folders below it."""
MARK = "x-efs-notebake"
"""Marks our lines in fstab. `x-notebake` marks disks: they are looked at, and EFS must not be."""
MOUNT_SECONDS = 60
"""How long whoever opens the folder waits where no mount target answers. The client tries for 15 s,
twice, then once more (retry_nfs_mount_command in efs-utils.conf, 3.2.0)."""
OPTIONS = (
    # It waits for the network, and no boot waits for it or fails for want of it.
    *("_netdev", "nofail"),
    # The role of the instance profile is the right, and proves itself over TLS only.
    *("tls", "iam"),
)
AUTOMOUNT = ("x-systemd.automount", f"x-systemd.mount-timeout={MOUNT_SECONDS}s")
"""systemd mounts it when somebody opens the folder, so a machine without a role never tries."""


def fstab_line(efs: Efs) -> str:
    """Return the line of a file system in fstab."""
    options = ",".join((*mount_options(efs), *AUTOMOUNT, MARK))
    return f"{efs.file_system_id}:/ {efs.mount_point} efs {options} 0 0"


def mount_options(efs: Efs) -> tuple[str, ...]:
    """Return the options for mount(8) and the client."""
    return (*OPTIONS, *([f"accesspoint={efs.access_point_id}"] if efs.access_point_id else []))


def write_efs_lines(efs: Sequence[Efs], *, fstab: str = FSTAB, state: str = STATE) -> str:
    """Return the root script that makes fstab's lines for EFS exactly these, also none.

    Nothing is mounted now. The folders belong to root: nobody writes to the root disk what was
    meant for a file system that is not there.
    """
    return script(
        variables(fstab=fstab, state=state, mark=MARK),
        array("lines", [fstab_line(each) for each in efs]),
        array("targets", [each.mount_point for each in efs]),
        WRITE_LINES,
    )


def efs_lines_are_written(efs: Sequence[Efs], *, fstab: str = FSTAB) -> str:
    """Return the command that succeeds if fstab has exactly these lines for EFS."""
    lines = "\n".join(fstab_line(each) for each in efs)
    return f"bash -c {quote(variables(fstab=fstab, mark=MARK, lines=lines) + CHECK_LINES)}"


def efs_client_is_installed(client: EfsClient) -> str:
    """Return the command that succeeds if this version of the client is installed."""
    version = f"efs_version={quote(client.version)}"
    return f"bash -c {quote(f'{version}{DEFINE_CHECK}efs_client_is_there')}"


def install_efs_client(client: EfsClient, *, os_release: str = "/etc/os-release") -> str:
    """Return root's commands that install the client; they need those of `install_packages`.

    They check the package against the recipe's sha256, or print it where the recipe has none.
    """
    values = variables(
        efs_version=client.version,
        efs_sha256=client.sha256 or "",
        efs_packages=PACKAGES_URL,
        os_release=os_release,
    )
    return f"{values}\n{DEFINE_CHECK}{INSTALL_CLIENT}"


WRITE_LINES = r"""
fail() { echo "EFS: $*." >&2; exit 1; }
[ "${#lines[@]}" -gt 0 ] || grep --quiet --no-messages "$mark" "$fstab" || exit 0
mkdir --parents "$state"
exec 9< "$state"
flock 9
touch "$fstab"
export mark target
for target in "${targets[@]}"; do
    already=$(awk '$1 !~ /^#/ && $4 !~ ENVIRON["mark"] && $2 == ENVIRON["target"]' "$fstab")
    [ -z "$already" ] ||
        fail "$fstab already mounts something else on $target"
    # On a machine from an image before, systemd has the folder, and looking into it would mount.
    ! findmnt --types autofs --mountpoint "$target" > /dev/null || continue
    ! mountpoint --quiet "$target" || fail "something else is mounted on $target"
    mkdir --parents "$target"
    content=$(ls --almost-all "$target")
    [ -z "$content" ] ||
        fail "$target is not empty, and the mount would hide its content"
    chown root:root "$target"
    chmod 0755 "$target"
done
awk '$1 ~ /^#/ || $4 !~ ENVIRON["mark"]' "$fstab" > "$fstab.new"
[ "${#lines[@]}" -eq 0 ] || printf '%s\n' "${lines[@]}" >> "$fstab.new"
chmod --reference="$fstab" "$fstab.new"
sync "$fstab.new"
mv --force --no-target-directory "$fstab.new" "$fstab"
exec 9<&-
[ ! -d /run/systemd/system ] || systemctl daemon-reload
echo "EFS: ${#lines[@]} file systems are in $fstab, for servers with a role; none is mounted here"
"""

DEFINE_CHECK = r"""
efs_client_is_there() {
    local found
    found=$(dpkg-query --show --showformat '${db:Status-Abbrev}${Version}' PACKAGE 2> /dev/null)
    [ "$found" = "ii $efs_version" ]
}
""".replace("PACKAGE", PACKAGE)

CHECK_LINES = r"""
[ "$(awk '$1 !~ /^#/ && $4 ~ mark' mark="$mark" "$fstab")" = "$lines" ] ||
    { echo "EFS: the lines in $fstab are not those of the recipe" >&2; exit 1; }
"""

INSTALL_CLIENT = r"""
fetch_efs_client() {
    try_thrice curl --fail --silent --show-error --location --proto =https \
        --output "$folder/client.deb" "$1"
}
install_efs_client() {
    local found url
    ID='' VERSION_ID=''
    . "$os_release"
    if [ "$ID" != ubuntu ]; then
        echo "EFS: AWS has its client for Ubuntu, and this is ${ID:-unknown}." >&2
        exit 1
    fi
    url=$efs_packages/$VERSION_ID/pool/main/a/PACKAGE
    url=$url/PACKAGE-${efs_version}_$(dpkg --print-architecture).deb
    check_reachable "AWS's packages of the EFS client" any "$efs_packages"
    # apt reads the package as a user of its own.
    folder=$(mktemp --directory)
    chmod 0755 "$folder"
    trap 'rm --recursive --force "$folder"' EXIT
    echo "EFS: fetching $url"
    fetch_efs_client "$url"
    found=$(sha256sum < "$folder/client.deb")
    found=${found%% *}
    if [ -n "$efs_sha256" ] && [ "$found" != "$efs_sha256" ]; then
        echo "EFS: $url has the sha256 $found, not the recipe's $efs_sha256." >&2
        exit 1
    fi
    echo "EFS: the sha256 of the client is $found"
    try_thrice apt_get update
    wait_for_lock
    apt_get install --no-install-recommends -- "$folder/client.deb"
    apt_get clean
}
if ! efs_client_is_there; then
    install_efs_client
fi
""".replace("PACKAGE", PACKAGE)
