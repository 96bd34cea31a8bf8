# A login may not reach through the machine, so that nothing on its loopback address is reached.
echo 'AllowTcpForwarding no' >/etc/ssh/sshd_config.d/10-hardened.conf
