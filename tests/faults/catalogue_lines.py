"""Lines to hosts: cut, or silent, in the middle of what is done there."""

from tests.faults.case import ACCEPTANCE, BUILDER, STEP_TRIES, Case, ForEver, Once, fault

OFTEN = range(20, 300, 2)
LINES = (
    Case(
        "ssh cut in the middle of the software",
        "install_software",
        Once((fault("ssh_cut", "now", where=BUILDER, after=40),), r"reconnecting.*answers again"),
        Once(
            tuple(fault("ssh_cut", "now", where=BUILDER, after=count) for count in OFTEN),
            r"reconnecting.*answers again",
        ),
    ),
    Case(
        "ssh silent in the middle of the software",
        "install_software",
        Once(
            (fault("ssh_freeze", "now", where=BUILDER, after=40, seconds=60),),
            r"reconnecting.*answers again",
        ),
        ForEver(
            (fault("ssh_freeze", "now", where=BUILDER, after=40),),
            is_resumed=True,
            says=r"HostUnreachableError: .*",
            bounded_by=("HOST_UNREACHABLE_SECONDS",),
            tries=STEP_TRIES,
        ),
    ),
    Case(
        "ssh cut during the notebook",
        "run_notebook",
        Once((fault("ssh_cut", "now", where=BUILDER, after=8),), r"reconnecting.*answers again"),
        why_not="see: ssh cut in the middle of the software",
    ),
    Case(
        "ssh cut as the builder is cleaned",
        "clean_host",
        Once((fault("ssh_cut", "now", where=BUILDER, after=9),), r"reconnecting.*answers again"),
        why_not="see: ssh cut in the middle of the software",
    ),
    Case(
        "another writer cuts the host's key on the console",
        "prove_image",
        Once(
            (fault("console_cut", "GetConsoleOutput", times=3),),
            r"GetConsoleOutput: OK\n(.*GetConsoleOutput: OK\n){4}",
        ),
        why_not="see: machine from the image never boots",
    ),
    Case(
        "ssh cut during the proof",
        "prove_image",
        Once((fault("ssh_cut", "now", where=ACCEPTANCE, after=8),), r"reconnecting.*answers again"),
        why_not="see: ssh silent during the proof",
    ),
    Case(
        "ssh silent during the proof",
        "prove_image",
        Once(
            (fault("ssh_freeze", "now", where=ACCEPTANCE, after=8, seconds=40),),
            r"reconnecting.*answers again",
        ),
        why_not="see: ssh to each machine from the image falls silent",
    ),
    Case(
        "ssh to each machine from the image falls silent",
        "launch_acceptance",
        for_ever=ForEver(
            (fault("ssh_freeze", "RunInstances", where=ACCEPTANCE, after=12),),
            says=r"LostError: i-\w+, launched from ami-\w+, accepted no ssh login|unreachable",
            bounded_by=("HOST_UNREACHABLE_SECONDS", "FIRST_BOOT_SECONDS"),
            tries=STEP_TRIES,
            rounds=2,
        ),
        why_not="see: ssh silent during the proof",
    ),
)
