"""Shell functions that inspect a disk before it is formatted or mounted."""

INSPECT_DISK = r"""
tag() { blkid --probe --match-tag "$1" --output value "$device" || true; }
has_no_signature() {
    local code=0 signatures
    blkid --probe "$device" > /dev/null 2>&1 || code=$?
    signatures=$(wipefs --noheadings "$device") || return 1
    [ "$code" = 2 ] && [ -z "$signatures" ]
}
# blkid may not know a signature. A blank EBS volume reads as zeros: so both its ends must.
ends_are_zero() {
    local mebibyte=1048576 size
    size=$(blockdev --getsize64 "$device") || return 1
    cmp --silent --bytes=$mebibyte "$device" /dev/zero || return 1
    cmp --silent --bytes=$mebibyte --ignore-initial=$((size - mebibyte)):0 "$device" /dev/zero
}
describe_content() {
    local what
    what="$(blkid --probe "$device" 2>&1 || true) $(wipefs --noheadings "$device" 2>&1 || true)"
    what=$(echo $what)
    echo "${what:-data without a known signature}"
}
"""
"""Functions that read `$device` and change nothing."""
