"""Datasets on a host: a file or folder gets its name only when it is whole and checked.

What a host can fetch without a credential (https, http with a checksum) it fetches itself. All
else the worker brings to the staging path, and the host checks it and moves it into its place.
"""

from pathlib import PurePosixPath
from shlex import quote
from urllib.parse import unquote, urlsplit

from notebake.commands.dataset_download import DEFINE_FAIL, DOWNLOAD
from notebake.commands.reachability import CHECK_REACHABLE
from notebake.commands.shell import NETWORK_ENVIRONMENT, as_user, script, variables
from notebake.digest import digest_of
from notebake.recipe import Dataset

RECORD_DIRECTORY = "/var/lib/notebake/datasets"


def target_path(dataset: Dataset) -> str:
    """Return where the dataset goes; a path that ends with / keeps the source's own name."""
    if not dataset.path.endswith("/"):
        return dataset.path
    if dataset.source.startswith("s3://"):
        return dataset.path + PurePosixPath(dataset.source).name
    return dataset.path + PurePosixPath(unquote(urlsplit(dataset.source).path)).name


def staging_path(dataset: Dataset) -> str:
    """Return where the worker brings it: in a directory of the login user's beside its place.

    Moving it is one rename. A list of checksums at the same path with `.sha256` added, as sha256sum
    writes it and relative to the folder, is checked too, and names every file that there is.
    """
    place = PurePosixPath(target_path(dataset))
    return str(place.with_name(f".{place.name}.notebake-part") / "content")


def prepare_staging(dataset: Dataset, *, user: str, records: str = RECORD_DIRECTORY) -> str:
    """Return the root script after which the login user may write where the staging path lies.

    What an earlier try has brought stays.
    """
    return script(_values(dataset, user, records), PREPARE)


def fetch_dataset(dataset: Dataset, *, user: str, records: str = RECORD_DIRECTORY) -> str:
    """Return the root script with which the host itself fetches a file by http or https.

    A download that broke off is taken up again where a checksum will tell whether that went well.
    """
    if not dataset.source.startswith(("https://", "http://")) or dataset.source.endswith("/"):
        raise ValueError(f"{dataset.name}: a host fetches single files by http only")
    values = _values(dataset, user, records)
    work = (
        NETWORK_ENVIRONMENT,
        values,
        PREPARE,
        as_user(user, values, CHECK_REACHABLE, DOWNLOAD),
        RECEIVE,
    )
    return _unless(dataset_is_in_place(dataset, records=records), dataset, *work)


def receive_dataset(dataset: Dataset, *, user: str, records: str = RECORD_DIRECTORY) -> str:
    """Return the root script that checks what lies at the staging path and puts it in place.

    Without a checksum, in the recipe or in a list beside it, nothing says that it came whole.
    """
    work = (_values(dataset, user, records), PREPARE, REQUIRE_CHECKSUM, RECEIVE)
    nothing_new = f"[ ! -e {quote(staging_path(dataset))} ]"
    return _unless(
        f"{nothing_new} && {dataset_is_in_place(dataset, records=records)}", dataset, *work
    )


def dataset_is_in_place(dataset: Dataset, *, records: str = RECORD_DIRECTORY) -> str:
    """Succeed if exactly this dataset was put in its place, and is there; a file in full length."""
    record, place = quote(f"{records}/{dataset.name}"), quote(target_path(dataset))
    return (
        f"{{ read -r digest && read -r bytes; }} < {record} 2> /dev/null"
        f' && [ "$digest" = {digest_of(dataset)} ]'
        f' && if [ -d {place} ]; then [ -n "$(ls --almost-all {place})" ];'
        f' else [ "$(stat --format=%s {place} 2> /dev/null)" = "$bytes" ]; fi'
    )


def _unless(probe: str, dataset: Dataset, *commands: str) -> str:
    """Return a script that does nothing where the dataset is in its place already."""
    said = quote(f"Dataset {dataset.name}: already there")
    return script(f"if {probe}; then echo {said}; else", *commands, "fi")


def _values(dataset: Dataset, user: str, records: str) -> str:
    """Return what the texts below know about a dataset."""
    return variables(
        name=dataset.name,
        source=dataset.source,
        redirects="=https" if dataset.source.startswith("https:") else "=http,https",
        sha256=dataset.sha256 or "",
        digest=digest_of(dataset),
        place=target_path(dataset),
        staging=str(PurePosixPath(staging_path(dataset)).parent),
        staged=staging_path(dataset),
        record=f"{records}/{dataset.name}",
        owner=user,
    )


PREPARE = (
    f"""
{DEFINE_FAIL}"""
    r"""
has_checksum() { [ "$(sha256sum < "$1" | cut --delimiter=' ' --fields=1)" = "$2" ]; }

# The pending record is written before the dataset gets its name: what is there without any
# record was put there by somebody else, and is not ours to replace.
is_pending_here() {
    local digest bytes checksum
    [ -e "$record.new" ] || return 1
    { read -r digest && read -r bytes && read -r checksum; } < "$record.new" || return 1
    if [ "$bytes" = folder ]; then [ -d "$place" ]; else has_checksum "$place" "$checksum"; fi
}
if [ -e "$place" ] && [ ! -e "$record" ] && ! is_pending_here; then
    { [ -n "$sha256" ] && [ -f "$place" ] && has_checksum "$place" "$sha256"; } ||
        refuse "$place is there already, and we did not put it there: it is left as it is"
fi
mkdir --parents "$(dirname "$record")"
parent=$(dirname "$place")
[ -d "$parent" ] || install --directory --owner="$owner" --group="$(id -g "$owner")" "$parent"
# The parent may be root's: the user gets this one directory to write to.
[ -d "$staging" ] || rm --force "$staging"
install --directory --owner="$owner" --group="$(id -g "$owner")" "$staging"
"""
)

REQUIRE_CHECKSUM = r"""
[ -n "$sha256" ] || [ -f "$staged.sha256" ] || refuse "came without any checksum"
"""

RECEIVE = r"""
count_files() { find "$1" ! -type d -printf . | wc --bytes; }
refuse_what_came() { rm --recursive --force "$staging"; refuse "$@"; }
[ -e "$staged" ] || refuse "nothing has come"
if [ -d "$staged" ]; then
    [ -z "$sha256" ] || refuse_what_came "is a folder, and a checksum goes with a single file"
    [ -n "$(ls --almost-all "$staged")" ] || refuse "nothing has come"
    bytes=folder
    checksum="$(count_files "$staged") files"
    if [ -s "$staged.sha256" ]; then
        (cd "$staged" && sha256sum --check --strict --quiet "$staged.sha256") ||
            refuse_what_came "is damaged"
    fi
    if [ -f "$staged.sha256" ]; then
        listed=$(wc --lines < "$staged.sha256")
        [ "$checksum" = "$listed files" ] ||
            refuse_what_came "$checksum have come where there should be $listed"
    fi
else
    bytes=$(stat --format=%s "$staged")
    checksum=$(sha256sum < "$staged" | cut --delimiter=' ' --fields=1)
    listed=
    [ ! -f "$staged.sha256" ] || listed=$(cut --delimiter=' ' --fields=1 "$staged.sha256")
    for wanted in $listed $sha256; do
        [ "$checksum" = "$wanted" ] ||
            refuse_what_came "what came has the checksum $checksum, not $wanted"
    done
fi
chown --recursive --no-dereference "$owner:" "$staged"
# sftp made it by the umask of the login.
chmod --recursive u+rwX,go+rX "$staged"
printf '%s\n' "$digest" "$bytes" "$checksum" > "$record.new"
sync "$record.new"
if [ -d "$place" ]; then
    rm --recursive --force "$staged.old"
    mv --no-target-directory "$place" "$staged.old"
fi
mv --force --no-target-directory "$staged" "$place"
mv --force --no-target-directory "$record.new" "$record"
rm --recursive --force "$staging"
echo "Dataset $name: $place, $bytes bytes, $checksum"
"""
