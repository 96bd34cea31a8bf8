"""Preflight checks of the account, the region, the network and the machines."""

import re

import pytest

from notebake.aws import tags
from notebake.errors import CloudError, PreflightError
from notebake.preflight.checks import check_everything
from notebake.preflight.finding import CheckResult
from notebake.preflight.quotas import demands
from notebake.recipe import Acceptance, Network, Recipe
from notebake.runbook.step import carry_out, describe
from notebake.runs.run import Run
from tasks import preflight
from tests.cloud_world import RECIPE, CloudWorld, RefusedCall
from tests.preflight_world import (
    RewrittenAnswer,
    blocked_public_access,
    denies,
    excluded_from_block,
    sentences,
)

GROUP_OF_ALL = {"RunInstances", "DescribeSubnets", "DescribeImages", "GetServiceQuota"}


@pytest.fixture
def run(world: CloudWorld) -> Run:
    return world.new_run()


def test_without_problems_the_good_findings_are_listed(run: Run) -> None:
    good = sentences(run, CheckResult.GOOD)

    for message in (
        "account 123456789012",
        "us-west-2",
        "m5.large, at once, needs 6 vCPU",
        "internet gateway",
    ):
        assert message in good
    assert sentences(run, CheckResult.WRONG) == ""


def test_without_credentials_nothing_else_is_checked(world: CloudWorld, run: Run) -> None:
    with (
        world.intercepting(RefusedCall("GetCallerIdentity", "ExpiredToken", status=403)) as refuses,
        pytest.raises(CloudError, match="ExpiredToken") as caught,
    ):
        check_everything(run)

    assert refuses.fired >= 1
    assert "Log in again" in caught.value.hint
    assert not GROUP_OF_ALL & set(world.actions())


def test_a_disabled_region_is_reported_with_how_to_enable_it(world: CloudWorld, run: Run) -> None:
    disabled = RewrittenAnswer("DescribeRegions", "opt-in-not-required|opted-in", "not-opted-in")
    with world.intercepting(disabled), pytest.raises(PreflightError, match="not enabled") as caught:
        check_everything(run)

    assert disabled.fired == 1
    assert "aws account enable-region --region-name us-west-2" in str(caught.value)
    assert not GROUP_OF_ALL & set(world.actions())


def test_a_region_that_does_not_exist_is_reported(world: CloudWorld) -> None:
    with pytest.raises(PreflightError, match="no region eu-west-9"):
        check_everything(world.new_run(RECIPE.model_copy(update={"region": "eu-west-9"})))


def test_a_meaningless_answer_about_the_region_is_not_good(world: CloudWorld, run: Run) -> None:
    with world.intercepting(
        RewrittenAnswer("DescribeRegions", "opt-in-not-required", "maybe")
    ) as rewrites:
        assert "of the region us-west-2: maybe" in sentences(run, CheckResult.NOT_CHECKED)

    assert rewrites.fired == 1


OPTIONAL = [
    ("DescribeRegions", "the region us-west-2"),
    ("DescribeInstanceTypeOfferings", "offer"),
    ("DescribeInstanceTypes", "instance type"),
    ("DescribeRouteTables", "routes"),
    ("GetInstanceMetadataDefaults", "instance metadata"),
    ("GetEbsEncryptionByDefault", "default of disk encryption"),
]


@pytest.mark.parametrize(("action", "about"), OPTIONAL)
@pytest.mark.parametrize("code", ["UnauthorizedOperation", "InternalError"])
def test_a_refused_check_is_not_checked_and_not_wrong(
    action: str, about: str, code: str, world: CloudWorld, run: Run
) -> None:
    status = 500 if code == "InternalError" else 403
    with world.intercepting(RefusedCall(action, code, status=status)) as refuses:
        found = check_everything(run)

    assert refuses.fired
    still_open = [str(finding) for finding in found if finding.verdict is CheckResult.NOT_CHECKED]
    assert any(about in line and code in line for line in still_open)


def test_a_call_that_the_build_makes_too_must_be_allowed(world: CloudWorld, run: Run) -> None:
    with (
        world.intercepting(
            RefusedCall("DescribeImages", "UnauthorizedOperation", status=403)
        ) as refuses,
        pytest.raises(PreflightError, match="UnauthorizedOperation"),
    ):
        check_everything(run)

    assert refuses.fired


def test_a_zero_quota_is_wrong_and_says_how_to_raise_it(world: CloudWorld, run: Run) -> None:
    with world.intercepting(RewrittenAnswer("GetServiceQuota", r"64\.0", "0.0")) as rewrites:
        findings = sentences(run, CheckResult.WRONG)

    assert rewrites.fired == 1
    assert "L-1216C47A of this account is 0, as in new accounts" in findings
    assert "request-service-quota-increase" in findings
    assert "--quota-code L-1216C47A --desired-value 6 --region us-west-2" in findings


def test_running_instances_count_against_the_quota(world: CloudWorld, run: Run) -> None:
    base = world.ec2.describe_images()["Images"][0]["ImageId"]
    world.ec2.run_instances(ImageId=base, InstanceType="m5.xlarge", MinCount=1, MaxCount=1)
    with world.intercepting(RewrittenAnswer("GetServiceQuota", r"64\.0", "9.0")) as rewrites:
        findings = sentences(run, CheckResult.WRONG)

    assert rewrites.fired == 1
    assert "3 x m5.large, at once, needs 6 vCPU, but 4 of the 9" in findings
    assert "--desired-value 10" in findings


def test_a_run_s_own_machines_do_not_count_twice(world: CloudWorld, run: Run) -> None:
    base = world.ec2.describe_images()["Images"][0]["ImageId"]
    marked = tags.specifications(tags.tags_for(run, "builder"), "instance")
    world.ec2.run_instances(
        ImageId=base, InstanceType="m5.large", MinCount=1, MaxCount=1, TagSpecifications=marked
    )
    with world.intercepting(RewrittenAnswer("GetServiceQuota", r"64\.0", "6.0")) as rewrites:
        assert sentences(run, CheckResult.WRONG) == ""
        assert "needs 6 vCPU; 0 of the 6 in the quota are in use" in sentences(
            run, CheckResult.GOOD
        )

    assert rewrites.fired


def test_the_builder_counts_in_addition_to_both_proof_machines(world: CloudWorld) -> None:
    acceptance = RECIPE.acceptance.model_copy(update={"instance_types": ("t3.large",)})
    types = {"instance_types": ("m5.large",), "acceptance": acceptance}
    run = world.new_run(RECIPE.model_copy(update=types))

    good = sentences(run, CheckResult.GOOD)

    assert "1 x m5.large and 2 x t3.large, at once, needs 6 vCPU" in good


def test_types_of_different_quotas_are_counted_separately() -> None:
    acceptance = RECIPE.acceptance.model_copy(update={"instance_types": ("g4dn.xlarge",)})
    types = {"instance_types": ("m5.large",), "acceptance": acceptance}
    wanted = [str(demand) for demand in demands(RECIPE.model_copy(update=types))]

    assert wanted == ["1 x m5.large", "2 x g4dn.xlarge"]


def test_an_unneeded_fallback_type_does_not_fail(world: CloudWorld) -> None:
    types = {"instance_types": ("m5.large", "m5.4xlarge")}
    run = world.new_run(RECIPE.model_copy(update=types))
    with world.intercepting(RewrittenAnswer("GetServiceQuota", r"64\.0", "6.0")) as rewrites:
        found = {verdict: sentences(run, verdict) for verdict in CheckResult}

    assert rewrites.fired == len(CheckResult)
    assert found[CheckResult.WRONG] == ""
    assert "3 x m5.large, at once, needs 6 vCPU; 0 of the 6" in found[CheckResult.GOOD]
    assert (
        "lack capacity at launch: 3 x m5.4xlarge, at once, needs 48 vCPU"
        in found[CheckResult.NOT_CHECKED]
    )
    assert "--desired-value 48" in found[CheckResult.NOT_CHECKED]


def test_the_first_type_must_fit_even_where_another_would(world: CloudWorld) -> None:
    types = {"instance_types": ("m5.4xlarge", "m5.large")}
    run = world.new_run(RECIPE.model_copy(update=types))
    with world.intercepting(RewrittenAnswer("GetServiceQuota", r"64\.0", "6.0")) as rewrites:
        assert "3 x m5.4xlarge, at once, needs 48" in sentences(run, CheckResult.WRONG)

    assert rewrites.fired == 1


def test_a_family_with_an_unknown_quota_is_not_checked(world: CloudWorld) -> None:
    run = world.new_run(RECIPE.model_copy(update={"instance_types": ("inf1.xlarge",)}))

    assert "vCPU quota of inf1.xlarge" in sentences(run, CheckResult.NOT_CHECKED)


def test_an_unreadable_quota_is_not_checked(world: CloudWorld, run: Run) -> None:
    with world.intercepting(denies("GetServiceQuota")) as refuses:
        assert "read the quota L-1216C47A" in sentences(run, CheckResult.NOT_CHECKED)

    assert refuses.fired == 1


def test_subnets_without_free_addresses_are_wrong(world: CloudWorld, run: Run) -> None:
    full = RewrittenAnswer("DescribeSubnets", r"(<availableIpAddressCount>)\d+", r"\g<1>2")
    with world.intercepting(full):
        assert "3 free addresses" in sentences(run, CheckResult.WRONG)

    assert full.fired


def test_a_public_address_without_an_internet_route_is_wrong(world: CloudWorld, run: Run) -> None:
    with world.intercepting(RewrittenAnswer("DescribeRouteTables", "igw-", "nat-")) as closed:
        assert "has no route to an internet gateway" in sentences(run, CheckResult.WRONG)

    assert closed.fired


def test_a_subnet_s_own_route_table_replaces_the_main_one(world: CloudWorld, run: Run) -> None:
    subnet = world.ec2.describe_subnets()["Subnets"][0]
    table = world.ec2.create_route_table(VpcId=subnet["VpcId"])["RouteTable"]["RouteTableId"]
    world.ec2.associate_route_table(RouteTableId=table, SubnetId=subnet["SubnetId"])

    findings = sentences(run, CheckResult.WRONG)

    assert f"{subnet['SubnetId']} has no route to" in findings


def test_a_private_network_is_not_checked_from_here(
    world: CloudWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("NO_PROXY", raising=False)
    network = Network(address="private", ssh_from=("198.51.100.7/32",))
    run = world.new_run(RECIPE.model_copy(update={"network": network}))

    assert "private addresses" in sentences(run, CheckResult.NOT_CHECKED)


def test_a_region_without_a_default_network_is_wrong_once(world: CloudWorld, run: Run) -> None:
    for subnet in world.ec2.describe_subnets()["Subnets"]:
        world.ec2.delete_subnet(SubnetId=subnet["SubnetId"])

    findings = sentences(run, CheckResult.WRONG)

    assert findings.count("has no subnet") == 1
    assert "network.subnet_ids" in findings
    assert "ec2:RunInstances" in sentences(run, CheckResult.NOT_CHECKED)


def test_disabled_metadata_defaults_are_overridden(world: CloudWorld, run: Run) -> None:
    disabled = RewrittenAnswer(
        "GetInstanceMetadataDefaults",
        r"<accountLevel\s*/>|<accountLevel></accountLevel>",
        "<accountLevel><httpEndpoint>disabled</httpEndpoint></accountLevel>",
    )
    with world.intercepting(disabled):
        assert "by default, and each launch enables it" in sentences(run, CheckResult.GOOD)

    assert disabled.fired == 1


def test_an_account_that_enforces_imdsv2_is_good(world: CloudWorld, run: Run) -> None:
    enforcing = RewrittenAnswer(
        "GetInstanceMetadataDefaults",
        r"<accountLevel\s*/>|<accountLevel></accountLevel>",
        "<accountLevel><httpTokensEnforced>enabled</httpTokensEnforced></accountLevel>",
    )
    with world.intercepting(enforcing):
        assert "enforces tokens" in sentences(run, CheckResult.GOOD)

    assert enforcing.fired == 1


def test_a_disabled_base_image_is_wrong(world: CloudWorld, run: Run) -> None:
    with world.intercepting(
        RewrittenAnswer("DescribeImages", ">available<", ">disabled<")
    ) as disabled:
        findings = sentences(run, CheckResult.WRONG)

    assert disabled.fired
    assert "is disabled" in findings
    assert "withdrawn" in findings


def test_a_deprecated_base_image_is_good_and_reported(world: CloudWorld, run: Run) -> None:
    date = "<deprecationTime>2024-02-03T04:05:06.000Z</deprecationTime>"
    old = RewrittenAnswer("DescribeImages", "(<imageState>)", rf"{date}\1")
    with world.intercepting(old):
        assert "deprecated since 2024-02-03" in sentences(run, CheckResult.GOOD)

    assert old.fired


def test_a_type_of_another_architecture_or_region_is_wrong(world: CloudWorld) -> None:
    recipe = Recipe.model_construct(
        **{**dict(RECIPE), "instance_types": ("m6g.large", "m9.nowhere")}
    )

    findings = sentences(
        world.new_run(RECIPE).model_copy(update={"recipe": recipe}), CheckResult.WRONG
    )

    assert "m6g.large is for arm64, the image is x86_64" in findings
    assert "m9.nowhere is not offered in us-west-2a" in findings


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("t2.medium", "t2.medium runs on Xen"),
        ("m4.large", "m4.large runs on Xen"),
        ("m5.metal", "m5.metal is bare metal: it can take 20 minutes"),
        ("mac1.metal", "mac1.metal is for x86_64_mac, the image is x86_64"),
    ],
)
def test_an_unsuitable_instance_type_is_wrong(name: str, words: str, world: CloudWorld) -> None:
    for recipe in (
        RECIPE.model_copy(update={"instance_types": (name,)}),
        RECIPE.model_copy(update={"acceptance": Acceptance(instance_types=(name,))}),
    ):
        assert words in sentences(world.new_run(recipe), CheckResult.WRONG, "instance_types")


def test_a_uefi_image_needs_a_uefi_type(world: CloudWorld, run: Run) -> None:
    uefi = RewrittenAnswer("DescribeImages", ">uefi-preferred<", ">uefi<")
    old = RewrittenAnswer("DescribeInstanceTypes", "<item>uefi</item>", "")
    with world.intercepting(uefi), world.intercepting(old):
        findings = sentences(run, CheckResult.WRONG, "instance_types")

    assert uefi.fired
    assert old.fired
    assert "boots by legacy-bios, the image by uefi" in findings


def test_vpc_block_public_access_prevents_ssh(world: CloudWorld, run: Run) -> None:
    assert "does not block public access" in sentences(run, CheckResult.GOOD, "network")

    with world.intercepting(blocked_public_access()) as met:
        findings = sentences(run, CheckResult.WRONG, "network")

    assert met.fired
    assert (
        "blocks public access to the VPCs of us-west-2 (block-ingress): no ssh reaches" in findings
    )
    assert "every subnet has a route" in sentences(run, CheckResult.GOOD, "network").lower()


@pytest.mark.parametrize(
    ("mode", "verdict"),
    [("allow-bidirectional", CheckResult.GOOD), ("allow-egress", CheckResult.WRONG)],
)
def test_a_bidirectional_exclusion_lifts_the_block(
    mode: str, verdict: CheckResult, world: CloudWorld, run: Run
) -> None:
    vpc = world.ec2.describe_subnets()["Subnets"][0]["VpcId"]
    exclusion = excluded_from_block(f"vpc/{vpc}", mode)
    with world.intercepting(blocked_public_access()), world.intercepting(exclusion):
        findings = sentences(run, verdict, "network")

    assert exclusion.fired
    assert "blocks public access" in findings


@pytest.mark.parametrize("code", ["UnauthorizedOperation", "InvalidAction"])
def test_an_unreadable_block_setting_is_not_checked(code: str, world: CloudWorld, run: Run) -> None:
    with world.intercepting(
        RefusedCall("DescribeVpcBlockPublicAccessOptions", code, status=403)
    ) as met:
        assert "block of public access" in sentences(run, CheckResult.NOT_CHECKED, "network")
        assert sentences(run, CheckResult.WRONG, "network") == ""

    assert met.fired


def test_the_step_summarises_what_was_and_was_not_checked(
    world: CloudWorld, run: Run, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level("INFO", "tasks.preflight"):
        done = carry_out(preflight.STEP, run).result

    assert re.fullmatch(r"\d\d checks passed, 1 could not be made", describe(done))
    assert (
        "Not checked: Whether the credentials allow ec2:AuthorizeSecurityGroupIngress"
        in caplog.text
    )
    assert world.ec2.describe_instances()["Reservations"] == []
