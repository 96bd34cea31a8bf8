"""What EC2 does not show: not yet (it is eventually consistent), or no more."""

from tests.faults.case import BUILDER, FIRST_ACCEPTANCE, Case, ForEver, Once, fault, retried

VISIBILITY = (
    Case(
        "builder not shown yet",
        "launch_instance",
        Once(
            (fault("hide", "RunInstances", where=BUILDER, seconds=90),),
            r"Waiting for EC2 to show i-\w+.*DescribeInstances: OK",
        ),
        ForEver(
            (fault("hide", "RunInstances", where=BUILDER),),
            is_resumed=True,
            says=r"WaitTimeoutError: Timed out after 300 s waiting for EC2 to show i-\w+",
            bounded_by=("CONSISTENCY_SECONDS",),
        ),
    ),
    Case(
        "builder not known to CreateTags yet",
        "launch_instance",
        Once(
            (
                fault(
                    *("hide", "RunInstances"), where=BUILDER, seconds=250, hidden_from="CreateTags"
                ),
            ),
            retried("CreateTags", r"InvalidInstanceID.NotFound"),
        ),
        ForEver(
            (fault("hide", "RunInstances", where=BUILDER, hidden_from="CreateTags"),),
            says=r"tag i-\w+; AWS answered InvalidInstanceID.NotFound",
            bounded_by=("CONSISTENCY_SECONDS", "CONSISTENCY_SECONDS"),
        ),
    ),
    Case(
        "builder not known to StopInstances yet",
        "launch_instance",
        Once(
            (
                fault(
                    *("hide", "RunInstances"),
                    where=BUILDER,
                    seconds=250,
                    hidden_from="StopInstances",
                ),
            ),
            retried("StopInstances", r"InvalidInstanceID.NotFound"),
        ),
        ForEver(
            (fault("hide", "RunInstances", where=BUILDER, hidden_from="StopInstances"),),
            says=r"stop i-\w+; AWS answered InvalidInstanceID.NotFound",
            bounded_by=("CONSISTENCY_SECONDS",),
        ),
    ),
    Case(
        "machine from the image not shown yet",
        "launch_acceptance",
        Once(
            (fault("hide", "RunInstances", where=FIRST_ACCEPTANCE, seconds=90),),
            r"Waiting for EC2 to show i-\w+.*DescribeInstances: OK",
        ),
        ForEver(
            (fault("hide", "RunInstances", where=FIRST_ACCEPTANCE),),
            says=r"WaitTimeoutError: Timed out after 300 s waiting for EC2 to show i-\w+",
            bounded_by=("CONSISTENCY_SECONDS",),
        ),
    ),
    Case(
        "image not shown yet",
        "request_image",
        Once(
            (fault("hide", "CreateImage", seconds=90),),
            r"Waiting for EC2 to show the image.*Done in",
        ),
        ForEver(
            (fault("hide", "CreateImage"),),
            is_resumed=True,
            says=r"Timed out after 300 s waiting for EC2 to show the image of run",
            # Two steps look for it; here one after the other.
            bounded_by=("CONSISTENCY_SECONDS", "CONSISTENCY_SECONDS"),
        ),
    ),
    Case(
        "image not known to RunInstances yet",
        "request_image",
        Once(
            (fault("hide", "CreateImage", seconds=90, hidden_from="RunInstances"),),
            retried("RunInstances", r"InvalidAMIID.NotFound"),
        ),
        ForEver(
            (fault("hide", "CreateImage", hidden_from="RunInstances"),),
            says=r"launch m5.large.*InvalidAMIID.NotFound",
            bounded_by=("CONSISTENCY_SECONDS",),
        ),
    ),
    Case(
        "image not known to CreateTags yet",
        "request_image",
        Once(
            (fault("hide", "CreateImage", seconds=200, hidden_from="CreateTags"),),
            retried("CreateTags", r"InvalidAMIID.NotFound"),
        ),
        ForEver(
            (fault("hide", "CreateImage", hidden_from="CreateTags"),),
            says=r"tag ami-\w+.*InvalidAMIID.NotFound",
            bounded_by=("CONSISTENCY_SECONDS",),
        ),
    ),
    Case(
        "security group not known yet",
        "open_ssh",
        Once(
            (fault("hide", "CreateSecurityGroup", seconds=90),),
            retried("AuthorizeSecurityGroupIngress", r"InvalidGroup.NotFound"),
        ),
        ForEver(
            (fault("hide", "CreateSecurityGroup"),),
            is_resumed=True,
            says=r"authorize ssh from.*in sg-\w+; AWS answered InvalidGroup.NotFound",
            bounded_by=("CONSISTENCY_SECONDS",),
        ),
    ),
    Case(
        "security group not known to RunInstances yet",
        "open_ssh",
        Once(
            (fault("hide", "CreateSecurityGroup", seconds=90, hidden_from="RunInstances"),),
            retried("RunInstances", r"InvalidGroup.NotFound"),
        ),
        ForEver(
            (fault("hide", "CreateSecurityGroup", hidden_from="RunInstances"),),
            says=r"launch m5.large.*InvalidGroup.NotFound",
            bounded_by=("CONSISTENCY_SECONDS",),
        ),
    ),
    Case(
        "key pair not known yet",
        "import_key_pair",
        Once(
            (fault("hide", "ImportKeyPair", seconds=90),),
            retried("RunInstances", r"InvalidKeyPair.NotFound"),
        ),
        ForEver(
            (fault("hide", "ImportKeyPair"),),
            is_resumed=True,
            says=r"launch m5.large.*InvalidKeyPair.NotFound",
            bounded_by=("CONSISTENCY_SECONDS",),
        ),
    ),
    Case(
        "terminated machines forgotten at once",
        "tear_down",
        Once(
            (fault("vanish", "TerminateInstances", after=0),),
            r"TerminateInstances: OK.*DescribeInstances: OK.*nothing temporary is left",
        ),
        why_not="for ever as once: what is not shown any more is gone",
    ),
)
