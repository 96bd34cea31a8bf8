# Turns the unpacked distribution into the base system. Runs inside it, as root.
set -eu

# The default user of every Ubuntu image on EC2; cloud-init adds the key to it.
if ! id ubuntu >/dev/null 2>&1; then
    useradd --create-home --uid 1000 --shell /bin/bash --groups adm,sudo ubuntu
fi
chmod 0440 /etc/sudoers.d/90-sandbox
update-ca-certificates >/dev/null

# cloud-init uses IMDSv1 on a platform that it cannot identify; this file identifies EC2.
source=$(find /usr/lib/python3 /usr/lib/python3* -name DataSourceEc2.py -print -quit)
grep -q '"/sys/hypervisor/uuid"' "$source"
sed -i 's|"/sys/hypervisor/uuid"|"/usr/lib/notebake-sandbox/hypervisor-uuid"|' "$source"
python3 -m compileall -q "$source"

# The address is static: cloud-init's local stage uses it if there is no DHCP client.
for client in /sbin/dhclient /usr/sbin/dhcpcd /sbin/udhcpc; do
    if [ -e "$client" ]; then rm "$client"; fi
done

# From version 24.3 on, cloud-init runs all stages in one process; here earlier versions do so too.
if [ ! -e /lib/systemd/system/cloud-init-main.service ]; then
    stages=/usr/lib/notebake-sandbox/cloud-init-stages
    for unit in cloud-init-local cloud-init cloud-config cloud-final; do
        mkdir -p "/etc/systemd/system/$unit.service.d"
        {
            printf '[Unit]\nWants=sandbox-cloud-init.service\nAfter=sandbox-cloud-init.service\n'
            printf '[Service]\nSyslogIdentifier=cloud-init\nExecStart=\n'
            sed -n "s|^ExecStart=/usr/bin/cloud-init |ExecStart=$stages |p" \
                "/lib/systemd/system/$unit.service" | grep .
        } >"/etc/systemd/system/$unit.service.d/sandbox.conf"
    done
fi

# A real upgrade needs the archives; this program takes the same locks, for a given time.
dpkg-divert --quiet --local --rename --add /usr/bin/unattended-upgrade
install /usr/lib/notebake-sandbox/unattended-upgrade /usr/bin/unattended-upgrade
mkdir -p /etc/systemd/system/multi-user.target.wants
ln -s /lib/systemd/system/apt-daily-upgrade.service /etc/systemd/system/multi-user.target.wants/

# An empty machine-id makes systemd apply presets at boot: they undo `disable`, but not `mask`.
systemctl mask systemd-networkd.service systemd-networkd.socket \
    systemd-networkd-wait-online.service systemd-resolved.service \
    networking.service getty.target console-getty.service \
    systemd-network-generator.service dev-hugepages.mount sys-kernel-debug.mount \
    sys-kernel-tracing.mount sys-fs-fuse-connections.mount >/dev/null 2>&1
systemctl preset-all >/dev/null 2>&1
systemctl enable sandbox-disks.service >/dev/null 2>&1
systemctl set-default multi-user.target >/dev/null 2>&1

# Every machine creates its own.
rm -f /etc/ssh/ssh_host_*
: >/etc/machine-id
rm -f /var/lib/dbus/machine-id
rm -f /etc/resolv.conf /etc/hostname
: >/etc/resolv.conf
printf '127.0.0.1 localhost\n' >/etc/hosts
: >/etc/fstab
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/*.log /tmp/* /var/tmp/*
