"""Every timeout of a run, in seconds; the timeouts for software and notebook are in the recipe.

A permanent fault ends in an error when the wait that meets it times out.
"""

CONSISTENCY_SECONDS = 300
"""How long EC2 may take to show a resource that it has created. AWS advises to wait five minutes
(https://docs.aws.amazon.com/ec2/latest/devguide/eventual-consistency.html)."""

AWS_RETRY_SECONDS = 60
"""How long a call is retried if AWS does not answer or refuses it with a transient error."""

REQUEST_SECONDS = 180
"""How long one request may be in flight: a first and a last try of at most 30 s each, and
AWS_RETRY_SECONDS in between."""

TERMINATED_SHOWN_SECONDS = 3600
"""How long EC2 shows a terminated instance: "about one hour" (EC2 user guide, "Terminate Amazon EC2
instances")."""

STATE_SECONDS = 600
"""Until an instance reaches the next state: running, stopped or terminated."""

BOOT_SECONDS = 600
"""Until a running host accepts an ssh login and, again, until its first boot is over. A disk made
from a snapshot is read from S3 block by block, so a first boot can take minutes (EBS user guide,
"Initialize Amazon EBS volumes")."""

FIRST_BOOT_SECONDS = 1200
"""The same for a machine from a new image, whose blocks were never read before."""

PACKAGE_LOCK_SECONDS = 1800
"""Until the upgrades that a system starts after its first boot release the package lock. On a base
image some months old they take minutes."""

CLOCK_SYNC_SECONDS = 20
"""Until a host has synchronised its clock for the first time."""

CONSOLE_SECONDS = 900
"""Until the console of a new machine shows its host key: the machine takes minutes to write it, as
it reads its disk lazily from S3, and EC2 takes minutes to show it."""

JUPYTER_SECONDS = 600
"""Until JupyterLab answers on a booted host, and until it has started a kernel. On a disk that is
read for the first time both take minutes."""

LAZY_LOAD_SECONDS = 600
"""Added to the recipe's timeout for the notebook if the disk is read for the first time."""

ATTACH_SECONDS = 120
"""Until a volume is attached; after that it is detached and attached once more."""

PARAMETER_SECONDS = 120
"""Until a parameter names the image that was put into it: AWS checks the image after its answer,
mostly within seconds, and gives no limit."""

IMAGE_SECONDS = 7200
IMAGE_SECONDS_PER_GIB = 60
"""Until an image is available. Users of Packer report more than 50 minutes for a first snapshot
(hashicorp/packer#8415)."""

EARLY_SNAPSHOT_SECONDS = 1800
"""How long the request for an image waits for the snapshots that were taken ahead of it."""

COPY_SECONDS = 14400
COPY_SECONDS_PER_GIB = 60
"""Until a copy of an image is available: all of its content goes to another region, "on a
best-effort basis" (EC2 user guide, "Copy an Amazon EC2 AMI"). EC2 goes on with it after that."""

HOST_UNREACHABLE_SECONDS = 180
"""How long a host may be unreachable during a step before the step fails."""

SESSION_SECONDS = 600
"""How long a host may refuse another ssh session because all that it allows are in use."""

CONNECTION_DROPPED_SECONDS = 30
"""How long a host may close connections before its ssh banner, as sshd does if there are too many
at once (sshd_config(5), MaxStartups, PerSourcePenalties)."""

GROUP_SECONDS = 300
"""Until a security group that is to be deleted contains no network interface."""

UNUSED_SECONDS = 120
"""How long a disk or an interface may stay in use after its machine is terminated, and a snapshot
after its image is deregistered."""

REMOVAL_VISIBLE_SECONDS = 180
"""How long EC2 may still show a removed resource, such as the disks of a terminated machine: often
some seconds, at times more than half a minute."""

RUN_LOCK_SECONDS = 60
"""How long an execution holds its run lock without renewal."""

TRIES_PER_EXECUTION = 2
"""How often an execution tries its steps if machines or images are lost."""

OUTPUT_SECONDS = 2
"""How long to wait for a reader of our output that does not read at present."""

PREFECT_ANSWER_SECONDS = 5
"""How long the user's own Prefect server may take to answer; its client connects four times."""

SOURCE_SECONDS = 20
"""How long a git, web or sftp server may take to answer when it is asked whether it has changed."""

CHECK_SECONDS = 200
"""How long a check for updates waits for a cause; later answers count as `not checked`. What is
asked has shorter limits, which a server that sends one letter after the other can draw out."""

ARCHIVE_ANSWER_SECONDS = 10
"""How long an archive of packages may be silent, when it is asked for updates."""

ARCHIVES_SECONDS = 120
"""Until all indexes of a source of packages are read; an index has some ten megabytes."""

ADVICE_SECONDS = 150
"""Until pip-audit, which asks for one package after the other, or debsecan has ended."""

RESOLUTION_SECONDS = 180
"""Until uv or rattler has found which packages it would install today."""
