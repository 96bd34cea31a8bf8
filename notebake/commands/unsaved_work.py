"""What a termination would lose on a host: its mounted disks, and work that is not pushed."""

from collections.abc import Sequence
from shlex import quote

from notebake.commands.jupyter import UNIT
from notebake.commands.volumes import FSTAB

DEPTH = 8
"""How deep below a folder work trees are looked for."""
TREE_SECONDS = 8
"""How long git may take for one work tree."""
LEFT_OUT = (
    "-name node_modules -o -name .cache -o -name .conda -o -name miniforge3"
    " -o -fstype autofs -o -fstype nfs4"
)
"""What programs have put there, thousands of folders of it, and EFS, which no termination loses:
not to be mounted for that, nor to be walked through."""
END = "end"
"""The last line; without it not everything was looked at."""
LIST_DISKS = "lsblk --json --output NAME,SERIAL,MODEL,SIZE,TYPE,MOUNTPOINT"


def list_unsaved_work(*, seconds: int, folders: Sequence[str] = (), fstab: str = FSTAB) -> str:
    """Return the command that lists the git work trees of the login user, and how they stand.

    It looks below the home, the folder of JupyterLab, the disks that notebake mounts, `folders`.
    Each line is `git`, the path in base64, and the numbers of changed and untracked files, of
    commits that no remote branch has, and of stashes; or `unread` and the path. It changes nothing,
    and ends after so many seconds.
    """
    given = f"extra=({' '.join(map(quote, folders))}); fstab={quote(fstab)}"
    work = quote(f"{given}\n{LOOK}")
    return f"timeout --kill-after=2 {seconds} bash -c {work} && echo {END} || true"


LOOK = rf"""
export GIT_OPTIONAL_LOCKS=0 GIT_TERMINAL_PROMPT=0 LC_ALL=C
ask() {{ timeout {TREE_SECONDS} git -C "$folder" -c core.fsmonitor=false "$@" 2> /dev/null; }}
inspect() {{
    local folder=$1 status ids commits stashes head=
    name=$(printf %s "$folder" | base64 --wrap=0)
    if ! status=$(ask status --porcelain --ignore-submodules=none); then
        printf 'unread\t%s\n' "$name"
        return
    fi
    if ask rev-parse --verify --quiet HEAD > /dev/null; then head=HEAD; fi
    commits=$(ask rev-list --count --branches $head --not --remotes) || commits=0
    stashes=$(ask rev-list --walk-reflogs --count refs/stash) || stashes=0
    awk -v name="$name" -v commits="$commits" -v stashes="$stashes" '
        /^\?\?/ {{ untracked++; next }} /./ {{ changed++ }}
        END {{ printf "git\t%s\t%d\t%d\t%d\t%d\n", name, changed, untracked, commits, stashes }}
    ' <<< "$status"
}}
folders=("$HOME" "${{extra[@]}}")
folders+=("$(systemctl show {UNIT} --property=WorkingDirectory --value 2> /dev/null)")
mapfile -t mounted < <(awk '$1 !~ /^#/ && $4 ~ /x-notebake/ {{ print $2 }}' "$fstab" 2> /dev/null)
folders+=("${{mounted[@]}}")
for folder in "${{folders[@]}}"; do
    [ ! -d "$folder" ] || find "$folder" -maxdepth {DEPTH} '(' {LEFT_OUT} ')' -prune -o \
        -name .git -prune -print0 2> /dev/null
done | sort --zero-terminated --unique | while IFS= read -r -d '' found; do
    inspect "${{found%/.git}}"
done
"""
