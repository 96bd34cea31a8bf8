"""A copy-on-write view of a directory, at its own path, that only one command sees.

The view is an overlay in a mount namespace. Its upper directory lies on the directory's own file
system, so that writes find the usual free space, and a full disk is full. Where no overlay can be
mounted (the kernel lacks overlayfs, or the file system is an overlay itself:
Documentation/filesystems/overlayfs.rst, "Upper and lower"), the command gets a copy. Rejected: a
tmpfs, as large output fills the memory, and a loop disk, which on a full disk gives I/O errors.
"""

from shlex import quote

from notebake.commands.shell import fail, variables

VIEW_DIRECTORY = ".notebake-view"
"""The directory that holds a view, at the top of the file system that the view is of."""

REMOVE_VIEWS = f"""\
# Left by a notebook that was killed.
{{ echo /; findmnt --real --noheadings --raw --output TARGET || true; }} |
    while IFS= read -r disk; do
        rm --recursive --force --one-file-system -- "$(printf %b "${{disk%/}}")/{VIEW_DIRECTORY}"
    done"""


def run_copy_on_write(path: str, command: str) -> str:
    """Return root's commands that run a command for which `path` is a copy-on-write view.

    Its writes are discarded afterwards, also those of an earlier command that was killed. File
    systems mounted below `path` are not part of the view: writes to them stay. Processes that the
    command leaves behind are killed. The exit code is the command's, or 66 if `path` is not a
    directory.
    """
    return "\n".join(
        (
            variables(path=path),
            '[ -d "$path" ] || { echo "There is no directory $path" >&2; exit 66; }',
            CREATE_VIEW_DIRECTORY,
            "code=0",
            "unshare --mount --propagation slave --"
            f' bash -c {quote(MOUNT_AND_RUN)} view "$path" "$place" {command} || code=$?',
            f'[ -d "$place/upper" ] || {fail(NO_NAMESPACE)}',
            '[ "$code" = 0 ] || exit "$code"',
        )
    )


NO_NAMESPACE = (
    "this machine does not let even root create a mount namespace (unshare), without which a"
    " notebook would leave changes in $path"
)

# bash handles a trapped SIGTERM only after the running child has ended, so the view is unused then.
CREATE_VIEW_DIRECTORY = f"""\
path=$(cd -P -- "$path" && pwd -P)
disk=$(stat --format=%m -- "$path")
[ "$disk" != "$path" ] || disk=/
place=${{disk%/}}/{VIEW_DIRECTORY}
remove_view() {{ rm --recursive --force --one-file-system -- "$place"; }}
[ ! -e "$place" ] || remove_view
trap : TERM
# If this fails, rm prints the reason, and the next attempt removes the view first.
trap 'remove_view || true' EXIT
mkdir --mode=0700 -- "$place\""""

# A slave mount still receives what the machine mounts meanwhile, such as an automounted home, and
# propagates nothing back. `redirect_dir` lets directories of the clone be renamed; `volatile`
# (Linux 5.10) skips the final sync, as the writes are discarded.
MOUNT_AND_RUN = r"""
set -euo pipefail
umask 022
path=$1 place=$2
shift 2
cd "$place"
mkdir whole upper work
mount --rbind -- "$path" whole
# The shell itself parses mountinfo (proc(5)): each program started here would cost time.
below=()
while read -r _ _ _ _ point flags _; do
    point=${point//'\040'/ } point=${point//'\011'/$'\t'} point=${point//'\012'/$'\n'}
    point=${point//'\134'/'\'}
    case $point in
        "$place/whole") path_flags=$flags ;;
        "$path"/*) below+=("$point") ;;
    esac
done < /proc/self/mountinfo

mount_overlay() {
    local options
    chown --reference=whole upper
    chmod --reference=whole upper
    for options in redirect_dir=on,volatile redirect_dir=on; do
        mount --types overlay \
            --options "$path_flags,lowerdir=whole,upperdir=upper,workdir=work,$options" \
            -- notebake-view "$path" 2> /dev/null && return
    done
    return 1
}
mount_copy() {
    local needed free
    echo "The notebook runs in a copy of $path, as no overlay can be mounted on its file system" \
        "($(stat --file-system --format=%T whole))"
    needed=$(du --summarize --one-file-system --block-size=1 whole | cut --fields=1)
    free=$(df --block-size=1 --output=avail . | tail --lines=1)
    if [ "$needed" -gt "$free" ]; then
        echo "The copy needs $needed bytes, $free are free: no space left on device" >&2
        exit 1
    fi
    cp --archive --one-file-system --reflink=auto whole/. upper
    mount --bind -- upper "$path"
}
mount_overlay || mount_copy

bound=
for point in "${below[@]}"; do
    # --rbind includes the mount points below.
    case $point in "${bound:-/}"/*) continue ;; esac
    mount --rbind -- "whole${point#"$path"}" "$point"
    bound=$point
done
umount --lazy whole

trap : TERM
code=0
"$@" || code=$?
for turn in {1..100}; do
    left=() names=
    for process in /proc/[0-9]*; do
        [ "$process" != "/proc/$$" ] && [ "$process/ns/mnt" -ef /proc/self/ns/mnt ] || continue
        left+=("${process#/proc/}")
        names+=" $(cat "$process/comm" 2> /dev/null || true)"
    done
    [ ${#left[@]} -gt 0 ] || break
    [ "$turn" -gt 1 ] || echo "Killing processes that the notebook left running:$names"
    kill -KILL "${left[@]}" 2> /dev/null || true
    sleep 0.05
done
exit "$code"
"""
