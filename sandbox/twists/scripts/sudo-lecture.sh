# sudo preaches each time, also where it asks for no password.
echo 'You are root now. With great power comes great responsibility. This is logged.' >/etc/lecture
cat >/etc/sudoers.d/50-lecture <<'RULES'
Defaults lecture = always
Defaults lecture_file = /etc/lecture
RULES
chmod 0440 /etc/sudoers.d/50-lecture
# sudo keeps what PAM says to itself; a program of PAM's speaks for itself.
sed -i '/^#%PAM/a session optional pam_exec.so quiet log=/dev/stderr /bin/cat /etc/lecture' /etc/pam.d/sudo
