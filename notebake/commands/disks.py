"""Shell text about disks: which one it is, and whether anything is on it."""

INSPECT_DISK = r"""
tag() { blkid --probe --match-tag "$1" --output value "$device" || true; }
has_no_signature() {
    local code=0 signatures
    blkid --probe "$device" > /dev/null 2>&1 || code=$?
    signatures=$(wipefs --noheadings "$device") || return 1
    [ "$code" = 2 ] && [ -z "$signatures" ]
}
# A signature may be unknown to blkid: a blank EBS volume reads as zeros, so its ends must.
ends_are_zero() {
    local mebibyte=1048576 size
    size=$(blockdev --getsize64 "$device") || return 1
    cmp --silent --bytes=$mebibyte "$device" /dev/zero || return 1
    cmp --silent --bytes=$mebibyte --ignore-initial=$((size - mebibyte)):0 "$device" /dev/zero
}
found() {
    local what
    what="$(blkid --probe "$device" 2>&1 || true) $(wipefs --noheadings "$device" 2>&1 || true)"
    what=$(echo $what)
    echo "${what:-data without a known signature}"
}
"""
"""Functions that look at `$device` and change nothing."""

FIND_DISK = r"""
device="no device"
refuse() { echo "Volume $name ($volume_id, $device): $*." >&2; exit 1; }

for second in $(seq "$wait_seconds"); do
    [ ! -e "$link" ] || break
    sleep 1
done
[ -b "$link" ] || refuse "no disk appeared as $link within $wait_seconds s"
device=$(readlink --canonicalize-existing "$link")
disk_type=$(lsblk --nodeps --noheadings --output TYPE "$device")
case $disk_type in disk | loop) ;; *) refuse "is not a whole disk but a $disk_type" ;; esac
serial=$(lsblk --nodeps --noheadings --output SERIAL "$device" | tr --delete ' -')
[ -z "$serial" ] || [ "$serial" = "${volume_id//-/}" ] || refuse "its serial number is $serial"
"""
"""Sets `device` to the whole disk behind `$link`, or ends the script."""
