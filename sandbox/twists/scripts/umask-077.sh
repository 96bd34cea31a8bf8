# New files are private to their owner, after a login, in a command and in sudo.
sed -i 's/^UMASK.*/UMASK 077/; s/^HOME_MODE.*/HOME_MODE 0700/' /etc/login.defs
echo 'umask 077' >/etc/profile.d/umask.sh
for service in sshd sudo login; do
    echo 'session required pam_umask.so umask=077' >>"/etc/pam.d/$service"
done
