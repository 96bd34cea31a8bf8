# A low limit of open files: for logins by pam_limits, for services by systemd.
mkdir -p /etc/systemd/system.conf.d
printf '[Manager]\nDefaultLimitNOFILE=256:256\n' >/etc/systemd/system.conf.d/nofile.conf
printf '%s hard nofile 256\n%s soft nofile 256\n' '*' '*' root root >/etc/security/limits.d/nofile.conf
