"""Shell text that finds an EBS volume's disk, formats it if it is blank, and mounts it."""

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


FIND_DISK = r"""
device="no device"
fail() { echo "Volume $name ($volume_id, $device): $*." >&2; exit 1; }

for second in $(seq "$wait_seconds"); do
    [ ! -e "$link" ] || break
    sleep 1
done
[ -b "$link" ] || fail "no disk appeared as $link within $wait_seconds s"
device=$(readlink --canonicalize-existing "$link")
disk_type=$(lsblk --nodeps --noheadings --output TYPE "$device")
case $disk_type in disk | loop) ;; *) fail "is not a whole disk but a $disk_type" ;; esac
serial=$(lsblk --nodeps --noheadings --output SERIAL "$device" | tr --delete ' -')
[ -z "$serial" ] || [ "$serial" = "${volume_id//-/}" ] || fail "its serial number is $serial"
"""
"""Sets `device` to the whole disk behind `$link`, or ends the script."""

FORMAT = r"""
is_ours() { [ "$(tag TYPE)" = "$file_system" ] && [ "$(tag UUID)" = "$our_uuid" ]; }
make_file_system() {
    echo "Formatting volume $name ($volume_id, $device) as $file_system"
    mkdir --parents "$state"
    echo "$our_uuid" > "$intent"
    sync "$intent" "$state"
    case $file_system in
        ext4) mkfs.ext4 -q ${again:+-F} -m 0 -L "$label" -U "$our_uuid" "$device" ;;
        xfs) mkfs.xfs -q ${again:+-f} -L "$label" -m uuid="$our_uuid" "$device" ;;
    esac
    sync "$device"
    rm "$intent"
}

# The intent file is written only after the disk was found blank, and removed before the first
# mount: while it exists, a partial file system is ours and holds no data of others.
intent=$state/$volume_id.formatting
again=
command -v "mkfs.$file_system" > /dev/null || fail "there is no mkfs.$file_system on this machine"
if [ -z "$is_new" ]; then
    [ "$(tag TYPE)" = "$file_system" ] ||
        fail "should hold $file_system, but holds: $(describe_content)"
elif [ -e "$intent" ]; then
    has_no_signature || is_ours || fail "is not blank any more, it holds: $(describe_content)"
    again=yes
    make_file_system
elif ! is_ours; then
    { has_no_signature && ends_are_zero; } || fail "is not blank, it holds: $(describe_content)"
    make_file_system
fi
"""

MOUNT = r"""
# Without udev, mount(8) reads blkid's cache, which may hold what a device name meant earlier.
export BLKID_FILE=/dev/null
uuid=$(tag UUID)
[ -n "$uuid" ] || fail "its file system has no UUID"
twins=$(blkid --match-token UUID="$uuid" --output device | sort --unique)
[ "$(echo "$twins" | wc --lines)" -le 1 ] || fail "has the same UUID as another disk: "$twins
is_mounted() { [ "$(mountpoint --fs-devno "$target")" = "$(mountpoint --devno "$device")" ]; }

mkdir --parents "$target" "$state"
if mountpoint --quiet "$target"; then
    is_mounted || fail "something else is mounted on $target"
else
    content=$(ls --almost-all "$target")
    [ -z "$content" ] || fail "$target is not empty, and the mount would hide its content"
fi

exec 9< "$state"
flock 9
export target uuid
ours='$1 !~ /^#/ && $4 ~ /x-notebake/ && ($2 == ENVIRON["target"] || $1 == "UUID=" ENVIRON["uuid"])'
others='$1 !~ /^#/ && $4 !~ /x-notebake/ && $2 == ENVIRON["target"]'
touch "$fstab"
already=$(awk "$others" "$fstab")
[ -z "$already" ] || fail "$fstab already mounts something else on $target"
awk "!($ours)" "$fstab" > "$fstab.new"
echo "UUID=$uuid $target $file_system $options 0 $fsck_pass" >> "$fstab.new"
chmod --reference="$fstab" "$fstab.new"
sync "$fstab.new"
mv --force --no-target-directory "$fstab.new" "$fstab"
exec 9<&-

if [ -d /run/systemd/system ]; then
    udevadm settle --timeout=10 2> /dev/null || true
    systemctl daemon-reload
fi
# Mounting by fstab tests the line that the next boot will use.
mountpoint --quiet "$target" || mount --fstab "$fstab" "$target"
if ! is_mounted; then
    umount "$target"
    fail "$fstab leads to another disk"
fi
[ -z "$is_new" ] || chown "$owner:" "$target"
# A snapshot may be of a smaller disk. Both programs grow a mounted file system, if there is room;
# they need not know each feature of one that fills its disk already.
fills_its_disk() {
    [ "$(($(stat --file-system --format='%b * %S' "$target") * 100))" -ge \
        "$(($(blockdev --getsize64 "$device") * 90))" ]
}
grow() {
    case $file_system in
        ext4) resize2fs "$device" ;;
        xfs) xfs_growfs "$target" ;;
    esac
}
if [ -n "$from_snapshot" ]; then
    printed=$(grow 2>&1) || fills_its_disk || fail "could not be grown to its disk: $printed" \
        "(a snapshot of a disk of this size needs no growing)"
fi
echo "Volume $name ($volume_id, $device) is mounted on $target as $file_system"
"""
