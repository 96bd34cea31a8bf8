# Turns the freshly unpacked distribution into the base system. Runs inside it, as root.
set -eu

# The user that every Ubuntu image of EC2 has; cloud-init finds it there and adds the key.
if ! id ubuntu >/dev/null 2>&1; then
    useradd --create-home --uid 1000 --shell /bin/bash --groups adm,sudo ubuntu
fi
chmod 0440 /etc/sudoers.d/90-sandbox
update-ca-certificates >/dev/null

# On a platform that it cannot identify cloud-init speaks IMDSv1; this file says that it is EC2.
source=$(find /usr/lib/python3 /usr/lib/python3* -name DataSourceEc2.py -print -quit)
grep -q '"/sys/hypervisor/uuid"' "$source"
sed -i 's|"/sys/hypervisor/uuid"|"/usr/lib/notebake-sandbox/hypervisor-uuid"|' "$source"
python3 -m compileall -q "$source"

# The address is static: without a DHCP client the local stage of cloud-init uses it.
for client in /sbin/dhclient /usr/sbin/dhcpcd /sbin/udhcpc; do
    if [ -e "$client" ]; then rm "$client"; fi
done

# cloud-init runs its stages in one process from 24.3 on; an earlier one is helped to it.
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

# An upgrade needs the archives; ours looks like it, holds what it holds, and ends when it is told.
dpkg-divert --quiet --local --rename --add /usr/bin/unattended-upgrade
install /usr/lib/notebake-sandbox/unattended-upgrade /usr/bin/unattended-upgrade
mkdir -p /etc/systemd/system/multi-user.target.wants
ln -s /lib/systemd/system/apt-daily-upgrade.service /etc/systemd/system/multi-user.target.wants/

# With an empty machine-id all units are preset again at boot: a mask survives that, `disable` not.
systemctl mask systemd-networkd.service systemd-networkd.socket \
    systemd-networkd-wait-online.service systemd-resolved.service \
    networking.service getty.target console-getty.service \
    systemd-network-generator.service dev-hugepages.mount sys-kernel-debug.mount \
    sys-kernel-tracing.mount sys-fs-fuse-connections.mount >/dev/null 2>&1
systemctl preset-all >/dev/null 2>&1
systemctl enable sandbox-disks.service >/dev/null 2>&1
systemctl set-default multi-user.target >/dev/null 2>&1

# Every machine makes its own.
rm -f /etc/ssh/ssh_host_*
: >/etc/machine-id
rm -f /var/lib/dbus/machine-id
rm -f /etc/resolv.conf /etc/hostname
: >/etc/resolv.conf
printf '127.0.0.1 localhost\n' >/etc/hosts
: >/etc/fstab
rm -rf /var/lib/apt/lists/* /var/cache/apt/*.bin /var/log/*.log /tmp/* /var/tmp/*
