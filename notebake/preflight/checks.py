"""All checks, in the order in which a person reads them, asked side by side."""

from concurrent.futures import ThreadPoolExecutor
from contextvars import copy_context

from notebake.errors import PreflightError
from notebake.preflight import (
    account,
    base_image,
    credentials,
    datasets,
    disks,
    instance_metadata,
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
    Check(credentials.check_credentials_last),
    Check(base_image.check_base_image, is_needed=True),
    Check(base_image.check_image_name, is_needed=True),
    Check(instance_types.check_instance_types),
    Check(quotas.check_quotas),
    Check(network.check_subnets, is_needed=True),
    Check(network.check_way_out),
    Check(network.check_block_public_access),
    Check(network.check_ssh_sources, is_needed=True),
    Check(instance_metadata.check_instance_metadata),
    Check(disks.check_disks, is_needed=True),
    Check(disks.check_default_encryption),
    Check(disks.check_key),
    Check(repository.check_repository),
    Check(datasets.check_datasets, is_needed=True),
    Check(software.check_software),
    Check(run_store.check_run_store, is_needed=True),
    Check(permissions.check_permissions),
)


def ask_everything(run: Run) -> list[Finding]:
    """Return all that was found, good or not. Makes nothing.

    Raises:
        CloudError: the credentials open nothing: then nothing else can be found.
        PreflightError: the account cannot use the region: likewise.
    """
    region = carry_out_check(Check(account.check_region), run)
    refuse_wrong(run, region)
    findings = [*account.check_account(run), *region]
    with ThreadPoolExecutor(AT_ONCE, thread_name_prefix="preflight") as pool:
        asked = [pool.submit(copy_context().run, carry_out_check, check, run) for check in CHECKS]
        for one in asked:
            findings += one.result()
    return findings


def check_everything(run: Run) -> list[Finding]:
    """Return what is in order, and what could not be checked.

    Raises:
        PreflightError: names everything that is wrong, not the first only.
        CloudError: the credentials open nothing.
    """
    findings = ask_everything(run)
    refuse_wrong(run, findings)
    return findings


def refuse_wrong(run: Run, findings: list[Finding]) -> None:
    """Raise PreflightError with every wrong finding and its hint, if there is one."""
    wrong = with_verdict(findings, CheckResult.WRONG)
    if wrong:
        listed = "\n".join(f"- {one.sentence}\n  {one.hint}".rstrip() for one in wrong)
        name = run.recipe.name
        raise PreflightError(f"Nothing was made: {name} cannot be built.\n{listed}")
