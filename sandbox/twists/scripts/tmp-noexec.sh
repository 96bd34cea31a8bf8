# As hardening guides demand: /tmp is a file system of its own, mounted noexec.
cat >/etc/systemd/system/tmp.mount <<'UNIT'
[Unit]
Description=Temporary files, mounted noexec
DefaultDependencies=no
Conflicts=umount.target
Before=local-fs.target umount.target

[Mount]
What=tmpfs
Where=/tmp
Type=tmpfs
Options=mode=1777,nosuid,nodev,noexec

[Install]
WantedBy=local-fs.target
UNIT
systemctl enable tmp.mount
