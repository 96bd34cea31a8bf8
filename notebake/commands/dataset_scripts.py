"""Shell text that stages, downloads, verifies and installs one dataset."""

from notebake.commands.shell import MAKE_FOLDER

FUNCTIONS = r"""
fail() { echo "Dataset $name: $*" >&2; exit 1; }
sha256_of() { sha256sum | cut --delimiter=' ' --fields=1; }
has_checksum() { [ "$(sha256_of < "$1")" = "$2" ]; }
"""

PREPARE = (
    FUNCTIONS
    + MAKE_FOLDER
    + r"""
# The pending record is written before the dataset gets its name: a file without any record is not
# ours, and is never replaced.
is_pending_here() {
    local digest bytes checksum
    [ -e "$record.new" ] || return 1
    { read -r digest && read -r bytes && read -r checksum; } < "$record.new" || return 1
    if [ "$bytes" = folder ]; then [ -d "$target" ]; else has_checksum "$target" "$checksum"; fi
}
if [ -e "$target" ] && [ ! -e "$record" ] && ! is_pending_here; then
    { [ -n "$sha256" ] && [ -f "$target" ] && has_checksum "$target" "$sha256"; } ||
        fail "$target exists already and was not put there by notebake: it is left as it is"
fi
mkdir --parents "$(dirname "$record")"
make_folder "$(dirname "$target")" "$owner"
# The parent may belong to root, so the user gets this one directory to write to.
[ -d "$staging" ] || rm --force "$staging"
install --directory --owner="$owner" --group="$(id -g "$owner")" "$staging"
"""
)

# curl requests no encoding, but some servers keep files compressed and send them with
# Content-Encoding: gzip. The dataset is then the decompressed content.
DOWNLOAD = (
    FUNCTIONS
    + r"""
is_complete() {
    has_checksum "$staged" "$sha256" ||
        { gzip --test < "$staged" && has_checksum <(gzip --decompress < "$staged") "$sha256"; }
} 2> /dev/null
explain() {
    case $1 in
        22) echo "the server refused; check the address, and that it needs no login" ;;
        1) echo "it redirects from https to http or to another protocol, which is not followed" ;;
        18) echo "fewer bytes came than the server had announced" ;;
        60) echo "this machine does not trust the server's certificate" ;;
        28) echo "the server sent next to nothing for $silence_seconds s, or did not accept a" \
            "connection" ;;
        *) echo "curl ended with exit code $1" ;;
    esac
}
request() {
    curl --fail --globoff --location --proto-redir "$redirects" --silent --show-error \
        --connect-timeout 30 \
        --speed-limit 1000 --speed-time "$silence_seconds" \
        --retry 5 --retry-max-time "$silence_seconds" --retry-connrefused "$@" \
        --dump-header "$staging/headers" --output "$staged" -- "$source"
}
download_anew() {
    local code=0
    : > "$staged"
    request || code=$?
    [ "$code" = 0 ] || fail "download from $source failed: $(explain "$code")"
}
# A header of the last response: each redirect before it has headers, too.
header() {
    tr --delete '\r' < "$staging/headers" |
        awk -v name="$1:" '
            /^HTTP\// { value = "" }
            tolower($1) == name { value = tolower($2) }
            END { print value }'
}
fail_on_web_page() {
    case $(header content-type):${target,,} in
        text/html*:*.html | text/html*:*.htm | text/html*:*.xhtml) ;;
        text/html*)
            fail "$source returned a web page (text/html), perhaps a login form. If the page is" \
                "the dataset, set its sha256, or a path that ends with .html"
            ;;
    esac
}
decompress() {
    gzip --decompress --stdout < "$staged" > "$staged.plain"
    mv --force "$staged.plain" "$staged"
}
echo "Dataset $name: downloading"
check_reachable "the dataset $name" all "$source"
touch "$staged"
if [ -z "$sha256" ]; then
    download_anew
    fail_on_web_page
    # Some servers send Content-Encoding: gzip for a file that is a gzip archive itself.
    case $(header content-encoding):${target,,} in
        *gzip:*.gz | *gzip:*.tgz) ;;
        *gzip:*) decompress ;;
    esac
elif ! is_complete; then
    # Resume a partial download if the server supports it and the file has not changed.
    [ ! -s "$staged" ] || request --continue-at - || echo "Dataset $name: starting over"
    is_complete || download_anew
fi
if [ -n "$sha256" ] && is_complete && ! has_checksum "$staged" "$sha256"; then decompress; fi
"""
)

REQUIRE_CHECKSUM = r"""
[ -n "$sha256" ] || [ -f "$staged.sha256" ] || fail "the upload has no checksum"
"""

INSTALL = r"""
count_files() { find "$1" ! -type d -printf . | wc --bytes; }
reject() { rm --recursive --force "$staging"; fail "$@"; }
[ -e "$staged" ] || fail "nothing was received"
if [ -d "$staged" ]; then
    [ -z "$sha256" ] || reject "it is a folder, but a sha256 is for a single file"
    [ -n "$(ls --almost-all "$staged")" ] || fail "nothing was received"
    bytes=folder
    checksum="$(count_files "$staged") files"
    if [ -s "$staged.sha256" ]; then
        (cd "$staged" && sha256sum --check --strict --quiet "$staged.sha256") ||
            reject "a file does not match its checksum"
    fi
    if [ -f "$staged.sha256" ]; then
        listed=$(wc --lines < "$staged.sha256")
        [ "$checksum" = "$listed files" ] || reject "received $checksum, expected $listed"
    fi
else
    bytes=$(stat --format=%s "$staged")
    checksum=$(sha256_of < "$staged")
    listed=
    [ ! -f "$staged.sha256" ] || listed=$(cut --delimiter=' ' --fields=1 "$staged.sha256")
    for expected in $listed $sha256; do
        [ "$checksum" = "$expected" ] ||
            reject "the received file has the checksum $checksum, not $expected"
    done
fi
chown --recursive --no-dereference "$owner:" "$staged"
# sftp applied the umask of the login.
chmod --recursive u+rwX,go+rX "$staged"
printf '%s\n' "$digest" "$bytes" "$checksum" > "$record.new"
sync "$record.new"
# Its name must never stand for less than the whole, on a volume that outlives this machine too.
sync --file-system "$staged"
if [ -d "$target" ]; then
    rm --recursive --force "$staged.old"
    mv --no-target-directory "$target" "$staged.old"
fi
mv --force --no-target-directory "$staged" "$target"
mv --force --no-target-directory "$record.new" "$record"
rm --recursive --force "$staging"
echo "Dataset $name: $target, $bytes bytes, $checksum"
"""
