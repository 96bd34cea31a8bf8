"""Who may log in to a machine by other means than the keys that lie on it."""

SSHD = "sshd:"
AGENT = "agent:"

# EC2 Instance Connect is a command that sshd asks for keys (AuthorizedKeysCommand); an authority
# signs keys that lie nowhere on the machine. sshd itself says what holds. Ubuntu has the agent of
# AWS Systems Manager as a snap, others as a package.
LIST_LOGIN_METHODS = f"""\
sudo sshd -T 2> /dev/null |
    grep --extended-regexp '^(authorizedkeyscommand|trustedusercakeys) ' |
    {{ grep --invert-match ' none$' || true; }} | sed 's/^/{SSHD} /'
for unit in snap.amazon-ssm-agent.amazon-ssm-agent.service amazon-ssm-agent.service; do
    ! systemctl is-enabled --quiet "$unit" 2> /dev/null || echo "{AGENT} $unit"
done
true"""
"""A command for the login user; each line is one way."""


def parse_login_methods(printed: str) -> tuple[str, ...]:
    """Return what `LIST_LOGIN_METHODS` printed, for people: who else lets somebody in."""
    found = []
    for line in printed.splitlines():
        kind, _, words = line.partition(" ")
        if kind == AGENT:
            found.append("the agent of AWS Systems Manager lets in whom IAM allows")
        elif kind == SSHD and "eic_" in words:
            found.append("EC2 Instance Connect lets in whom IAM allows")
        elif kind == SSHD:
            found.append(f"sshd's {words} lets in whom that knows")
    return tuple(dict.fromkeys(found))
