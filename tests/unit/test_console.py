import pytest

from notebake.machines.identity import parse_host_key

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIJx8Fn2aVkUwyvDlzTV1z4k4pMVX2gqLRGW0Uq2ZlSPG"
RSA = "ssh-rsa AAAAB3NzaC1yc2EAAAADAQABAAABgQDW9sTn"
ECDSA = "ecdsa-sha2-nistp256 AAAAE2VjZHNhLXNoYTItbmlzdHAyNTYAAAAIbmlzdHAyNTYAAABBBP"
BEGIN, END = "-----BEGIN SSH HOST KEY KEYS-----", "-----END SSH HOST KEY KEYS-----"
# As cloud-init 24.4 writes it (tools/write-ssh-key-fingerprints), between other lines of a boot.
FINGERPRINTS = """\
<14>Nov 23 12:00:01 cloud-init: #############################################################
<14>Nov 23 12:00:01 cloud-init: -----BEGIN SSH HOST KEY FINGERPRINTS-----
<14>Nov 23 12:00:01 cloud-init: 256 SHA256:2yKwUBpQ root@ip-172-31-1-2 (ED25519)
<14>Nov 23 12:00:01 cloud-init: -----END SSH HOST KEY FINGERPRINTS-----
<14>Nov 23 12:00:01 cloud-init: #############################################################
"""


def block(*lines: str, newline: str = "\n") -> str:
    return newline.join((BEGIN, *lines, END, ""))


@pytest.mark.parametrize(
    "console",
    [
        FINGERPRINTS + block(f"{ECDSA} root@ip", f"{KEY} root@ip", f"{RSA} root@ip"),
        block(f"{KEY} root@ip", newline="\r\n"),
        block(KEY),
        f"{BEGIN}\n{ECDSA} root@ip\n{KEY}{END}\n",
        f"{BEGIN}{KEY}{END}",
        f"[   21.9] cloud-init[700]: {BEGIN}\n[   21.9] cloud-init[700]: {KEY} root@ip\n{END}",
    ],
    ids=["whole boot", "serial line", "no comment", "key runs into the end", "no lines", "prefix"],
)
def test_the_host_key_is_found(console: str) -> None:
    assert parse_host_key(console) == KEY


@pytest.mark.parametrize(
    "console",
    ["", FINGERPRINTS, f"{BEGIN}\n{KEY} root@ip\n", f"{KEY} root@ip\n", block(RSA), block()],
    ids=["nothing", "fingerprints", "still being written", "not in a block", "other kind", "empty"],
)
def test_a_doubtful_line_is_not_taken_as_the_host_key(console: str) -> None:
    assert parse_host_key(console) is None


def test_after_several_boots_the_last_key_is_used() -> None:
    older = KEY.replace("AAAAIJx8", "AAAAIOld")

    assert parse_host_key(block(older) + "login:\n" + block(KEY)) == KEY


@pytest.mark.parametrize("at", [20, 40, 79])
def test_an_interleaved_key_is_skipped_and_the_next_complete_one_is_used(at: int) -> None:
    cut = block(f"{KEY[:at]}[   12.345678] audit: backlog limit\n{KEY[at:]} root@ip")

    assert parse_host_key(cut) is None
    assert parse_host_key(block(KEY) + cut) is None, "the older one may be another machine's"
    assert parse_host_key(cut + block(f"{KEY} root@ip")) == KEY


@pytest.mark.parametrize(
    "line",
    [KEY[:-1], KEY[:-12], f"{KEY}A", f"{KEY}=", KEY.replace("IJx8", "IJ-8"), f"sk-{KEY}",
     "ssh-ed25519 " + "A" * 68, KEY.replace("C3NzaC1lZDI1", "C3NzaC1lZDI2")],
)  # fmt: skip
def test_an_incomplete_key_is_ignored(line: str) -> None:
    assert parse_host_key(block(line)) is None


def test_text_after_a_complete_key_is_ignored() -> None:
    assert parse_host_key(block(f"{KEY} root@ip-10[   12.345678] audit: backlog limit")) == KEY
    assert parse_host_key(block(f"{KEY}[   12.345678] audit: backlog limit")) == KEY
