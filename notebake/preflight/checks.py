"""All checks, in the order of the report; they run in parallel."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from notebake.errors import PreflightError
from notebake.preflight import (
    account,
    award,
    base_image,
    datasets,
    disks,
    instance_types,
    network,
    permissions,
    quotas,
    repository,
    run_store,
    software,
)
from notebake.preflight.finding import Check, CheckResult, Finding, carry_out_check, with_verdict
from notebake.runs.run import Run

AT_ONCE = 8
CHECKS = (
    Check(account.check_credentials_last),
    Check(base_image.check_base_image, is_needed=True),
    Check(base_image.check_image_name, is_needed=True),
    Check(instance_types.check_instance_types),
    Check(quotas.check_quotas),
    Check(network.check_subnets, is_needed=True),
    Check(network.check_internet_route),
    Check(network.check_block_public_access),
    Check(network.check_ssh_sources, is_needed=True),
    Check(account.check_instance_metadata),
    Check(disks.check_disks, is_needed=True),
    Check(disks.check_efs),
    Check(disks.check_default_encryption),
    Check(disks.check_key),
    Check(repository.check_repository),
    Check(datasets.check_datasets, is_needed=True),
    Check(software.check_software),
    Check(run_store.check_run_store, is_needed=True),
    Check(award.check_awards),
    Check(permissions.check_permissions),
)


def run_checks(run: Run) -> list[Finding]:
    """Return all findings, good or not.

    Raises:
        CloudError: the credentials are invalid, so that nothing else can be checked.
        PreflightError: the account cannot use the region.
    """
    region = carry_out_check(Check(account.check_region), run)
    refuse_wrong(run, region)
    findings = [*account.check_account(run), *region]
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="preflight") as pool:
        futures = [pool.submit(copy_context().run, carry_out_check, check, run) for check in CHECKS]
        for future in futures:
            findings += future.result()
    return findings


def check_everything(run: Run) -> list[Finding]:
    """Return all findings if none is wrong.

    Raises:
        PreflightError: names everything that is wrong.
        CloudError: the credentials are invalid.
    """
    findings = run_checks(run)
    refuse_wrong(run, findings)
    return findings


def refuse_wrong(run: Run, findings: list[Finding]) -> None:
    """Raise PreflightError with all wrong findings and their hints, if there are any."""
    wrong = with_verdict(findings, CheckResult.WRONG)
    if wrong:
        listed = "\n".join(f"- {finding.sentence}\n  {finding.hint}".rstrip() for finding in wrong)
        name = run.recipe.name
        raise PreflightError(f"Nothing was made: {name} cannot be built.\n{listed}")
