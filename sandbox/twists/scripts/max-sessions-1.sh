# A single channel for each connection: a command uses it as long as it runs.
echo 'MaxSessions 1' >/etc/ssh/sshd_config.d/10-hardened.conf
