# sudo prints its lecture each time, also when it asks for no password.
echo 'You are root now. With great power comes great responsibility. This is logged.' >/etc/lecture
cat >/etc/sudoers.d/50-lecture <<'RULES'
Defaults lecture = always
Defaults lecture_file = /etc/lecture
RULES
chmod 0440 /etc/sudoers.d/50-lecture
# sudo does not show PAM's messages, but it shows what a program run by PAM prints.
sed -i '/^#%PAM/a session optional pam_exec.so quiet log=/dev/stderr /bin/cat /etc/lecture' /etc/pam.d/sudo
