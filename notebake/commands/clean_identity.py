"""Shell text that removes a machine's identity, beside its ssh host keys and the machine-id.

Identity files that a machine recreates at its next boot are removed. Any other one fails the bake,
here or in the credential scan.
"""

from notebake.commands.shell import fail

IDENTITY_FILES = (
    # fwupd makes them when it refreshes its metadata; the scan would report the private key.
    "/var/lib/fwupd/pki/*",
    "/etc/dhcpcd.duid",
    "/var/lib/dhcp/*.leases",
    "/var/lib/{dhclient,dhcpcd,dhcpcd5}/*",
    "/var/lib/NetworkManager/{*.lease,*lease*.conf,secret_key,timestamps,seen-bssids}",
    "/var/lib/systemd/credential.secret",
)
"""Files that their programs recreate, as bash expands them."""

SNAPD_KEYS = "/var/lib/snapd/device/private-keys-v1"
INITIATOR_NAME = "/etc/iscsi/initiatorname.iscsi"
MACHINE_TOKEN = "/var/lib/ubuntu-advantage/private/machine-token.json"  # noqa: S105

# snapd's own request to forget its identity (snapd, daemon/api_model.go, postSerial); it creates a
# new one after the next boot.
FORGET_SNAPD_IDENTITY = f"""\
if [ -n "$(ls --almost-all {SNAPD_KEYS} 2> /dev/null)" ]; then
    echo 'snapd: forgetting the identity of this machine'
    curl --silent --show-error --fail --max-time 60 --noproxy '*' --output /dev/null \\
        --unix-socket /run/snapd.socket --header 'Content-Type: application/json' \\
        --data '{{"action": "forget", "no-registration-until-reboot": true}}' \\
        http://localhost/v2/model/serial || true
    keys=$(ls --almost-all {SNAPD_KEYS})
    [ -z "$keys" ] ||
        {fail(f"snapd did not delete its key in {SNAPD_KEYS}, which all machines would share")}
fi"""

# The daemon looks for this line before each start (open-iscsi, debian/startup-checks.sh).
RENEW_ISCSI_NAME = f"""\
if grep --quiet '^InitiatorName=' {INITIATOR_NAME} 2> /dev/null &&
    [ -x /usr/lib/open-iscsi/startup-checks.sh ]; then
    echo 'iSCSI: each machine will generate its own name'
    printf 'GenerateName=yes\\n' > {INITIATOR_NAME}
fi"""

REMOVE_SSM_REGISTRATION = """\
for unit in snap.amazon-ssm-agent.amazon-ssm-agent.service amazon-ssm-agent.service; do
    systemctl stop "$unit" 2> /dev/null || true
done
wipe /var/lib/amazon/ssm/*"""

# A base of Ubuntu Pro attaches each machine at its first boot by a unit of this package. A token
# that a person attached stays, and the credential scan reports it.
DETACH_UBUNTU_PRO = f"""\
attaching=$(
    dpkg-query --show --showformat '${{db:Status-Abbrev}}\\n' \\
        ubuntu-pro-auto-attach ubuntu-advantage-pro 2> /dev/null | sed --quiet '/^ii/p' || true
)
if [ -s {MACHINE_TOKEN} ] && [ -n "$attaching" ]; then
    echo 'Ubuntu Pro: detaching the builder. Each machine from the image attaches itself, at the' \\
        'price of AWS for Ubuntu Pro.'
    timeout 300 pro detach --assume-yes
    wipe {MACHINE_TOKEN}
fi"""

EMPTY_MACHINE_ID = """\
# Empty, not absent: systemd then makes a new one but does not reset which units are enabled.
: > /etc/machine-id
if [ -e /var/lib/dbus/machine-id ]; then
    ln --symbolic --force --no-target-directory /etc/machine-id /var/lib/dbus/machine-id
fi
# Once stopped, it does not save a new seed at shutdown.
systemctl stop systemd-random-seed.service 2>/dev/null || true
wipe /var/lib/systemd/random-seed /boot/efi/loader/random-seed /boot/loader/random-seed"""

REMOVE_IDENTITY = "\n".join(
    (
        FORGET_SNAPD_IDENTITY,
        RENEW_ISCSI_NAME,
        REMOVE_SSM_REGISTRATION,
        f"wipe {' '.join(IDENTITY_FILES)}",
    )
)
"""Root's commands, after those that define `wipe`."""
