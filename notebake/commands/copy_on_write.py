"""A copy-on-write view of a directory, at its own path, that one command sees and nobody else.

The view is an overlay in a mount namespace. Its upper directory lies on the directory's own file
system, so what is written has the room that it would have, and a full disk is full. Where no
overlay can be mounted there (its kernel has none, or that file system is an overlay itself:
Documentation/filesystems/overlayfs.rst, "Upper and lower"), the command gets a copy. Rejected: a
tmpfs, as large output fills the memory, and a loop disk, which on a full disk gives I/O errors.
"""

from shlex import quote

from notebake.commands.shell import fail, variables

VIEW_DIRECTORY = ".notebake-view"
"""What the directory is called that holds a view, in the topmost directory of a file system."""

REMOVE_VIEWS = f"""\
# What a killed notebook has left of its view of the clone.
{{ echo /; findmnt --real --noheadings --raw --output TARGET || true; }} |
    while IFS= read -r disk; do
        rm --recursive --force --one-file-system -- "$(printf %b "${{disk%/}}")/{VIEW_DIRECTORY}"
    done"""


def run_copy_on_write(path: str, command: str) -> str:
    """Return root commands that run a command to whom `path` shows a copy-on-write view.

    What it writes there is gone afterwards, also what a killed one has left. What is mounted below
    `path` is no part of the view: it is seen, and written to, as it is. Processes that the command
    leaves behind are ended. Ends with the command's exit code, or 66 without such a directory.
    """
    return "\n".join(
        (
            variables(path=path),
            '[ -d "$path" ] || { echo "There is no directory $path" >&2; exit 66; }',
            CHOOSE_PLACE,
            "code=0",
            "unshare --mount --propagation slave --"
            f' bash -c {quote(SHOW_AND_RUN)} view "$path" "$place" {command} || code=$?',
            f'[ -d "$place/upper" ] || {fail(NO_NAMESPACE)}',
            '[ "$code" = 0 ] || exit "$code"',
        )
    )


NO_NAMESPACE = (
    "this machine lets not even root make a mount namespace (unshare), without which a notebook"
    " would leave its traces in $path"
)

# While a child runs, a trapped SIGTERM is handled after its end: the view is then out of use.
CHOOSE_PLACE = f"""\
path=$(cd -P -- "$path" && pwd -P)
disk=$(stat --format=%m -- "$path")
[ "$disk" != "$path" ] || disk=/
place=${{disk%/}}/{VIEW_DIRECTORY}
remove_view() {{ rm --recursive --force --one-file-system -- "$place"; }}
[ ! -e "$place" ] || remove_view
trap : TERM
# Where that fails rm says so, and the next try begins with it.
trap 'remove_view || true' EXIT
mkdir --mode=0700 -- "$place\""""

# A slave still gets what the machine mounts meanwhile, such as an automounted home, and gives
# nothing back. `redirect_dir` lets a directory of the clone be renamed, `volatile` (Linux 5.10)
# spares the sync at the end: nobody wants what was written.
SHOW_AND_RUN = r"""
set -euo pipefail
umask 022
path=$1 place=$2
shift 2
cd "$place"
mkdir whole upper work
mount --rbind -- "$path" whole
# Its fields (proc(5)) are read by the shell itself, as each program more costs its start.
below=()
while read -r _ _ _ _ point flags _; do
    point=${point//'\040'/ } point=${point//'\011'/$'\t'} point=${point//'\012'/$'\n'}
    point=${point//'\134'/'\'}
    case $point in
        "$place/whole") path_flags=$flags ;;
        "$path"/*) below+=("$point") ;;
    esac
done < /proc/self/mountinfo

show_overlay() {
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
show_copy() {
    local needed free
    echo "The notebook runs in a copy of $path, as no overlay can be mounted on its file system" \
        "($(stat --file-system --format=%T whole))"
    needed=$(du --summarize --one-file-system --block-size=1 whole | cut --fields=1)
    free=$(df --block-size=1 --output=avail . | tail --lines=1)
    if [ "$needed" -gt "$free" ]; then
        echo "It takes $needed bytes, and $free are free: no space left on device" >&2
        exit 1
    fi
    cp --archive --one-file-system --reflink=auto whole/. upper
    mount --bind -- upper "$path"
}
show_overlay || show_copy

bound=
for point in "${below[@]}"; do
    # What is mounted deeper comes along.
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
    [ "$turn" -gt 1 ] || echo "Ending what the notebook left running:$names"
    kill -KILL "${left[@]}" 2> /dev/null || true
    sleep 0.05
done
exit "$code"
"""
