# sshd forwards no ports, so that services on the loopback address cannot be reached.
echo 'AllowTcpForwarding no' >/etc/ssh/sshd_config.d/10-hardened.conf
