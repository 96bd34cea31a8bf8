# As initramfs-tools mounts /run before systemd starts.
cat >/etc/systemd/system/run-noexec.service <<'UNIT'
[Unit]
Description=Let nothing be executed from /run
DefaultDependencies=no
Before=sysinit.target cloud-init-local.service

[Service]
Type=oneshot
RemainAfterExit=yes
ExecStart=/bin/mount -o remount,nosuid,nodev,noexec /run

[Install]
WantedBy=sysinit.target
UNIT
systemctl enable run-noexec.service
