"""How long things may take before they count as failed: every time budget of a run, in seconds.

A fault that never passes ends in an error within the budget of the wait that meets it. Those of a
recipe (software, notebook) stand in the recipe.
"""

CATCH_UP_SECONDS = 300
"""How long EC2 may go on not showing what it has made: five minutes of waiting are what AWS advises
(https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html)."""

AWS_LOST_SECONDS = 60
"""How long a call is repeated that AWS does not answer, or refuses for a reason that passes."""

SENDING_SECONDS = 180
"""How long one request may be on its way: a first try and a last one, each of at most 30 s, and the
above in between."""

SHOWN_AFTER_END_SECONDS = 3600
"""How long EC2 goes on showing a terminated instance: "about one hour" (EC2 user guide, "Terminate
Amazon EC2 instances")."""

STATE_SECONDS = 600
"""From one state of an instance to the next: pending, running, stopping, stopped, terminated."""

BOOT_SECONDS = 600
"""From running to a host that lets us in over ssh and, once more, to the end of its first boot. A
disk made from a snapshot is read from S3 block by block, so a first boot can take minutes (EBS
user guide, "Initialize Amazon EBS volumes")."""

FIRST_BOOT_SECONDS = 1200
"""The same for a machine from a new image, of which nobody has read a block yet."""

LOCK_SECONDS = 1800
"""Until the upgrades that a system begins by itself after its first boot are over: those of a base
some months old take minutes."""

CLOCK_SECONDS = 20
"""Until a host's clock is right, where its first look at the time is still to come."""

CONSOLE_SECONDS = 900
"""Until the console of a new machine shows its host key: EC2 takes minutes to show it, and the
machine, which reads its disk lazily from S3 at first, some more to write it."""

JUPYTER_SECONDS = 600
"""From a booted host to a JupyterLab that answers, and to a kernel that it has started: from a disk
that is read for the first time, minutes."""

LAZY_DISK_SECONDS = 600
"""Beside the recipe's own limit for a notebook, where the disk is read for the first time."""

ATTACH_SECONDS = 120
"""Until a volume is attached; then it is taken off and attached once more."""

IMAGE_SECONDS = 7200
IMAGE_SECONDS_PER_GIB = 60
"""Until an image is available. Packer's users have waited more than 50 minutes for a first
snapshot (hashicorp/packer#8415)."""

HOST_LOST_SECONDS = 180
"""How long a host may be out of reach in the middle of its work before that counts as lost."""

SESSION_SECONDS = 600
"""How long a host may have no room for another ssh session, as those that it allows are in use."""

DROPPED_SECONDS = 30
"""How long a host may hang up before it has said what it is, as sshd does when too many call at
once (sshd_config(5), MaxStartups, PerSourcePenalties)."""

GROUP_SECONDS = 300
"""Until no interface is left in a security group that is to be deleted."""

UNUSED_SECONDS = 120
"""How long a disk or an interface may stay in use after its machine is gone, and a snapshot after
its image."""

SETTLE_SECONDS = 180
"""How long EC2 may go on showing what has been removed, such as the disks of a machine that has
ended: often some seconds, at times more than half a minute."""

RUN_LOCK_SECONDS = 60
"""How long an execution keeps its run without renewing the lease."""

MACHINES_IN_A_ROW = 2
"""How often an execution starts over from what is left, when a machine or image is lost."""

OUTPUT_SECONDS = 2
"""How long to wait for whoever reads our output, but does not read at present."""

PREFECT_ANSWER_SECONDS = 5
"""How long a Prefect server of a user's may take to answer; its client connects four times."""
