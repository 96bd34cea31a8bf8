"""What the files of a run say that is not in the ledger: it began before there was one."""

from notebake.ledger.summary import Created, StepSummary, Summary
from notebake.record import digest_of
from notebake.runs import registry
from notebake.runs.account import read_account
from notebake.runs.attempt_store import read_earlier
from notebake.runs.events import list_events
from notebake.runs.open_store import open_store
from notebake.timestamps import utc_from_seconds


def summary_of_files(run_id: str, location: str) -> Summary:
    """Return what the files of a run from before the ledger say of it."""
    store = open_store(location)
    run = registry.load_run(run_id, store)
    header, account = registry.read_header(run), read_account(run_id, store)
    steps: dict[str, StepSummary] = {}
    for event in list_events(run):
        steps[event.step] = StepSummary(
            step=event.step,
            tries=steps[event.step].tries + 1 if event.step in steps else 1,
            outcome=event.happening,
            at=event.at.isoformat(),
            seconds=event.seconds,
            result=str(event.detail.get("result") or event.detail.get("message") or ""),
        )
    return Summary(
        run=run_id,
        recipe_name=run.recipe.name,
        recipe_digest=digest_of(run.recipe),
        recipe=run.recipe.model_dump(mode="json"),
        account=account.id if account else "",
        began=header.created.isoformat(),
        steps=tuple(steps.values()),
        created=tuple(
            Created(
                id=resource_id,
                name=attempt.name,
                operation="",
                at=utc_from_seconds(attempt.at).isoformat(),
                removed="at an unknown time" if attempt.state == "removed" else "",
            )
            for attempt in read_earlier(run)
            for resource_id in attempt.made
        ),
    )
