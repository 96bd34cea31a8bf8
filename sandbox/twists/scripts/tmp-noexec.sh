# As hardening guides want it: a file system of its own on /tmp, from which nothing is executed.
cat >/etc/systemd/system/tmp.mount <<'UNIT'
[Unit]
Description=Temporary files, none of which is executed
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
