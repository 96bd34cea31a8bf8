"""The git repository whose notebooks the image is for: a clone that belongs to the login user."""

from shlex import quote

from notebake.commands.reachability import CHECK_REACHABLE
from notebake.commands.shell import NETWORK_ENVIRONMENT, as_user, script, variables
from notebake.recipe import Repository


def clone_repository(*, repository: Repository, path: str, user: str) -> str:
    """Return the root script that clones a repository, or brings our clone to the wanted ref.

    A branch is checked out as a branch, at what the remote has now; a tag or a commit detached.
    What is at the path and is not a clone of this repository is refused, and so are changes in
    the clone that a checkout would lose.
    """
    with_submodules = "yes" if repository.submodules else "no"
    values = variables(
        url=repository.url, ref=repository.ref, path=path, user=user, submodules=with_submodules
    )
    return script(
        NETWORK_ENVIRONMENT,
        values,
        CHOOSE_DIRECTORY,
        as_user(user, values, CHECK_REACHABLE, CHECK_REMOTE_REACHABLE, CHECK_OUT),
        FINISH,
    )


def repository_commit(path: str) -> str:
    """Print the commit that is checked out; fail where there is no clone."""
    return f"git -C {quote(path)} rev-parse --verify HEAD"


def repository_changes(path: str) -> str:
    """Print a line for each file in which the clone differs from its commit: two letters, a path.

    A folder that git does not know is one line; what git ignores is none.
    """
    return f"git -C {quote(path)} status --porcelain"


# git itself runs as the user only: it distrusts another user's clone, and so should we.
CHOOSE_DIRECTORY = r"""
new=$path.notebake-new
export clone=$path
if [ ! -d "$path/.git" ]; then
    if [ -e "$path" ] && [ -n "$(ls --almost-all "$path")" ]; then
        echo "$path is there, and is not a clone of $url: it is left as it is" >&2
        exit 1
    fi
    clone=$new
    rm --recursive --force "$new"
    parent=$(dirname "$path")
    [ -d "$parent" ] || install --directory --owner="$user" --group="$(id -g "$user")" "$parent"
    install --directory --owner="$user" --group="$(id -g "$user")" "$new"
fi
"""

# By git's own settings on this machine: another address in its place, and a proxy.
CHECK_REMOTE_REACHABLE = r"""
address=$(git ls-remote --get-url "$url")
case $address in
    http://* | https://* | git://* | ssh://*)
        (
            proxy=$(git config --get-urlmatch http.proxy "$address" || true)
            [ -z "$proxy" ] || export http_proxy=$proxy https_proxy=$proxy
            reach "the repository" all "$address"
        )
        ;;
esac
"""

CHECK_OUT = r"""
export LC_ALL=C.UTF-8 GIT_TERMINAL_PROMPT=0
export GIT_SSH_COMMAND="ssh -o BatchMode=yes -o ConnectTimeout=30"
# While it is there, a checkout was begun and not finished, and all changes are its own.
begun=$clone/.git/notebake-checkout
refuse() { echo "$clone $*: it is left as it is" >&2; exit 1; }
in_clone=$(printf 'git -C %q' "$clone")
keep_changes() {
    local most=20
    {
        echo "$clone $1: it is left as it is"
        head --lines="$most" <<< "$2"
        [ "$(wc --lines <<< "$2")" -le "$most" ] || echo "… $(wc --lines <<< "$2") in all"
        echo "No notebook that notebake runs leaves anything there: a person did, or an earlier" \
            "version of notebake. Log in to the machine; what is wanted, copy elsewhere." \
            "To give the changes up, type there: $3" \
            "Then, here: notebake resume RUN --from clone_repository"
    } >&2
    exit 1
}
# git looks before it writes: where it refuses, nothing has begun.
check_out() {
    local said
    said=$(git -C "$clone" checkout --quiet "$@" 2>&1) && return
    case $said in
        *'untracked working tree files would be overwritten'*)
            rm "$begun"
            keep_changes "has files of the same names as new ones of $url" \
                "$(grep --perl-regexp '^\t' <<< "$said")" "$in_clone clean -d --force"
            ;;
    esac
    echo "$said" >&2
    exit 1
}

if [ -e "$clone/.git" ]; then
    origin=$(git -C "$clone" config --get remote.origin.url || true)
    [ "$origin" = "$url" ] || refuse "is a clone of ${origin:-nothing}, not of $url"
    if [ -e "$begun" ]; then
        rm --force "$clone/.git/index.lock"
        git -C "$clone" reset --quiet --hard
    fi
    changes=$(git -C "$clone" status --porcelain --untracked-files=no)
    [ -z "$changes" ] || keep_changes "has changes" "$changes" \
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
    echo "A submodule of $url could not be cloned by the machine, which has neither key nor" \
        "password: if nothing needs it, set repository.submodules: false in the recipe" >&2
    exit 1
fi
rm "$begun"

if git -C "$clone" grep --quiet --fixed-strings 'filter=lfs' -- '*.gitattributes' &&
    ! git lfs version > /dev/null 2>&1; then
    echo "git: WARNING: this repository keeps files in git LFS, which is not installed:" \
        "add git-lfs to software.apt, or those files are mere pointers"
fi
echo "git: $path is at $(git -C "$clone" rev-parse HEAD)"
"""

FINISH = r"""
if [ "$clone" = "$new" ]; then
    [ ! -d "$path" ] || rmdir "$path"
    mv --no-target-directory "$new" "$path"
fi
"""
