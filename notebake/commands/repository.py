"""The git repository with the image's notebooks, cloned for the login user."""

from shlex import quote

from notebake.commands.reachability import CHECK_REACHABLE
from notebake.commands.shell import MAKE_FOLDER, NETWORK_ENVIRONMENT, as_user, script, variables
from notebake.recipe import Repository


def clone_repository(*, repository: Repository, path: str, user: str) -> str:
    """Return the root script that clones a repository, or updates our clone to the wanted ref.

    A branch is checked out as a branch, at the remote's current commit; a tag or a commit detached.
    The script fails, and changes nothing, if the path holds anything but a clone of this
    repository, or if a checkout would lose changes in the clone.
    """
    submodules = "yes" if repository.submodules else "no"
    values = variables(
        url=repository.url, ref=repository.ref, path=path, user=user, submodules=submodules
    )
    return script(
        NETWORK_ENVIRONMENT,
        values,
        MAKE_FOLDER,
        CHOOSE_DIRECTORY,
        as_user(user, values, CHECK_REACHABLE, CHECK_REMOTE_REACHABLE, CHECK_OUT),
        FINISH,
    )


def repository_commit(path: str) -> str:
    """Return the command that prints the checked-out commit, and fails without a clone."""
    return f"git -C {quote(path)} rev-parse --verify HEAD"


def repository_changes(path: str) -> str:
    """Return the command that lists the clone's changes: two letters and a path per line.

    An untracked folder is one line; ignored files are not listed.
    """
    return f"git -C {quote(path)} status --porcelain"


# git runs as the user only: as root it would refuse another user's clone (safe.directory).
CHOOSE_DIRECTORY = r"""
new=$path.notebake-new
export clone=$path
if [ ! -d "$path/.git" ]; then
    content=""
    [ ! -e "$path" ] || content=$(ls --almost-all "$path")
    if [ -n "$content" ]; then
        echo "$path exists and is not a clone of $url: it is left as it is" >&2
        exit 1
    fi
    clone=$new
    rm --recursive --force "$new"
    make_folder "$(dirname "$path")" "$user"
    install --directory --owner="$user" --group="$(id -g "$user")" "$new"
fi
"""

# git's own settings on this machine may replace the URL (insteadOf) and set a proxy.
CHECK_REMOTE_REACHABLE = r"""
remote_url=$(git ls-remote --get-url "$url")
case $remote_url in
    http://* | https://* | git://* | ssh://*)
        (
            proxy=$(git config --get-urlmatch http.proxy "$remote_url" || true)
            [ -z "$proxy" ] || export http_proxy=$proxy https_proxy=$proxy
            check_reachable "the repository" all "$remote_url"
        )
        ;;
esac
"""

CHECK_OUT = r"""
export LC_ALL=C.UTF-8 GIT_TERMINAL_PROMPT=0
export GIT_SSH_COMMAND="ssh -o BatchMode=yes -o ConnectTimeout=30"
# While this file exists, a checkout has begun and not finished, and all changes are its own.
begun=$clone/.git/notebake-checkout
fail() { echo "$clone $*: it is left as it is" >&2; exit 1; }
in_clone=$(printf 'git -C %q' "$clone")
fail_with_changes() {
    local most=20
    {
        echo "$clone $1: it is left as it is"
        head --lines="$most" <<< "$2"
        [ "$(wc --lines <<< "$2")" -le "$most" ] || echo "… $(wc --lines <<< "$2") in all"
        echo "No notebook that notebake runs changes the clone: a person did, or an earlier" \
            "version of notebake. Log in to the machine and copy what you need." \
            "To discard the changes, run there: $3" \
            "Then run here: notebake resume RUN --from clone_repository"
    } >&2
    exit 1
}
# git checks before it writes: if it refuses, no file has changed.
check_out() {
    local error
    error=$(git -C "$clone" checkout --quiet "$@" 2>&1) && return
    case $error in
        *'untracked working tree files would be overwritten'*)
            rm "$begun"
            fail_with_changes "has files of the same names as new ones of $url" \
                "$(grep --perl-regexp '^\t' <<< "$error")" "$in_clone clean -d --force"
            ;;
    esac
    echo "$error" >&2
    exit 1
}

if [ -e "$clone/.git" ]; then
    origin=$(git -C "$clone" config --get remote.origin.url || true)
    [ "$origin" = "$url" ] || fail "is a clone of ${origin:-nothing}, not of $url"
    if [ -e "$begun" ]; then
        rm --force "$clone/.git/index.lock"
        git -C "$clone" reset --quiet --hard
    fi
    changes=$(git -C "$clone" status --porcelain --untracked-files=no)
    [ -z "$changes" ] || fail_with_changes "has changes" "$changes" \
        "$in_clone reset --hard --recurse-submodules"
    echo "git: fetching $url"
    git -C "$clone" fetch --quiet --force --tags --prune origin \
        '+refs/heads/*:refs/remotes/origin/*'
    git -C "$clone" remote set-head origin --auto > /dev/null
else
    echo "git: cloning $url"
    git clone --quiet --no-checkout -- "$url" "$clone"
fi

branch=$ref
if [ "$ref" = HEAD ]; then
    branch=$(git -C "$clone" rev-parse --abbrev-ref origin/HEAD)
    branch=${branch#origin/}
fi
touch "$begun"
if git -C "$clone" rev-parse --quiet --verify "refs/remotes/origin/$branch" > /dev/null; then
    check_out -B "$branch" "origin/$branch"
elif commit=$(git -C "$clone" rev-parse --quiet --verify "$ref^{commit}"); then
    check_out --detach "$commit"
else
    rm "$begun"
    echo "$url has no branch, tag or commit $ref" >&2
    exit 1
fi
if [ "$submodules" = yes ] &&
    ! git -C "$clone" submodule --quiet update --init --recursive; then
    echo "The machine, which has neither key nor password, could not clone a submodule of $url." \
        "If nothing needs it, set repository.submodules: false in the recipe" >&2
    exit 1
fi
rm "$begun"

if git -C "$clone" grep --quiet --fixed-strings 'filter=lfs' -- '*.gitattributes' &&
    ! git lfs version > /dev/null 2>&1; then
    echo "git: WARNING: this repository keeps files in git LFS, which is not installed:" \
        "add git-lfs to software.apt, or those files stay pointers"
fi
echo "git: $path is at $(git -C "$clone" rev-parse HEAD)"
"""

FINISH = r"""
if [ "$clone" = "$new" ]; then
    [ ! -d "$path" ] || rmdir "$path"
    mv --no-target-directory "$new" "$path"
fi
"""
