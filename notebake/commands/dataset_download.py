"""How a host fetches a dataset by http or https: a file, whole, and no page in its place.

Written into a directory of the login user's. curl is asked for no encoding, but some servers keep
files compressed and send them so, with Content-Encoding: what was asked for is what is in them.
"""

DEFINE_FAIL = """\
refuse() { echo "Dataset $name: $*" >&2; exit 1; }
"""

DOWNLOAD = (
    f"""
{DEFINE_FAIL}"""
    r"""
is() { [ "$(sha256sum | cut --delimiter=' ' --fields=1)" = "$sha256" ]; }
is_whole() {
    is < "$staged" || { gzip --test < "$staged" && gzip --decompress --stdout < "$staged" | is; }
} 2> /dev/null
explain() {
    case $1 in
        22) echo "the server does not give it: is the address right, and open to everybody?" ;;
        1) echo "it leads on from https to http, or to something else, where nobody follows" ;;
        18) echo "less came than the server had announced" ;;
        60) echo "the server's certificate is none that this machine trusts" ;;
        *) echo "curl ended with $1" ;;
    esac
}
ask() {
    curl --fail --location --proto-redir "$redirects" --silent --show-error --connect-timeout 30 \
        --speed-limit 1000 --speed-time 120 --retry 5 --retry-connrefused "$@" \
        --dump-header "$staging/headers" --output "$staged" -- "$source"
}
fetch_anew() {
    local code=0
    : > "$staged"
    ask || code=$?
    [ "$code" = 0 ] || refuse "could not be fetched from $source: $(explain "$code")"
}
# Of the last answer: what leads there has headers, too.
header() {
    tr --delete '\r' < "$staging/headers" |
        awk -v name="$1:" '
            /^HTTP\// { value = "" }
            tolower($1) == name { value = tolower($2) }
            END { print value }'
}
refuse_page() {
    case $(header content-type):${place,,} in
        text/html*:*.html | text/html*:*.htm | text/html*:*.xhtml) ;;
        text/html*)
            refuse "$source gave a web page (text/html), perhaps one to log in: if that is the" \
                "dataset, name its sha256, or a path that ends with .html"
            ;;
    esac
}
decompress() {
    gzip --decompress --stdout < "$staged" > "$staged.plain"
    mv --force "$staged.plain" "$staged"
}
echo "Dataset $name: fetching"
reach "the dataset $name" all "$source"
touch "$staged"
if [ -z "$sha256" ]; then
    fetch_anew
    refuse_page
    # Some servers call a file encoded whose own content it is.
    case $(header content-encoding):${place,,} in
        *gzip:*.gz | *gzip:*.tgz) ;;
        *gzip:*) decompress ;;
    esac
elif ! is_whole; then
    # What a killed try has left is gone on from, where the server can and the rest still fits.
    [ ! -s "$staged" ] || ask --continue-at - || echo "Dataset $name: beginning anew"
    is_whole || fetch_anew
fi
if [ -n "$sha256" ] && is_whole && ! is < "$staged"; then decompress; fi
"""
)
