"""Runs as the ledger has them after a bake, written without one."""

from typing import Any

from notebake.ledger import kinds
from notebake.ledger.chain import Chain, RecordPlace, Writer
from notebake.ledger.closing import close_if_finished
from notebake.recipe import Recipe
from notebake.record import digest_of

RUN = "ocean-20261129-120000-1a2b"
IMAGE = "ami-0123456789abcdef0"
BASE_IMAGE = "ami-0fedcba9876543210"
BUILDER = "i-0123456789abcdef0"
COMMIT = "5d41402abc4b2a76b9719d911017c592aabbccdd"
RECIPE = Recipe(name="ocean")
CODE = {"version": "1.0", "commit": "c0ffee", "is_modified": False}
Happened = tuple[str, dict[str, Any]]


def began(recipe: Recipe = RECIPE) -> Happened:
    digest = digest_of(recipe)
    return kinds.BEGAN, {
        "digest": digest,
        "recipe": recipe.model_dump(mode="json"),
        "is_continued": False,
    }


def executing(what: str = "Prefect flow Build an image") -> Happened:
    return kinds.EXECUTING, {
        "started_by": what,
        "claims": {"flow_run_name": "brave-otter"},
        "code": CODE,
        "account": "123456789012",
        "partition": "aws",
        "identity": "p-role",
    }


def step(name: str, happening: str = "done", result: str = "", seconds: float = 1.5) -> Happened:
    detail = {"message" if happening == "failed" else "result": result}
    return kinds.STEP, {
        "step": name,
        "happening": happening,
        "seconds": None if happening == "failed" else seconds,
        "detail": detail,
    }


def call(
    operation: str, created: str = "", *, name: str = "", error: str = "", **parameters: Any
) -> list[Happened]:
    """Return that a call was sent and answered."""
    number = f"call-{operation}-{created or parameters}-{error}"
    attempt = {"attempt": {"key": f"{name}/1", "name": name, "detail": {}, "marks": {}}}
    sent = {
        "call": number,
        "service": "ec2",
        "operation": operation,
        "region": "us-west-2",
        "parameters": parameters,
        **(attempt if name else {}),
    }
    answer: dict[str, Any] = {"call": number, "request": f"r-{number}", "status": 200}
    answer |= {"error": error, "may_have_happened": False} if error else {"error": ""}
    answer |= {} if error else {"created": [created] if created else []}
    return [(kinds.SENT, sent), (kinds.ANSWERED, answer)]


def stored(name: str, content: str = "x") -> Happened:
    return kinds.FILE, {"name": name, "size": len(content), "sha256": content.ljust(64, "0")}


def ended(error: str = "", message: str = "") -> Happened:
    return kinds.ENDED, {"error": error, "message": message}


def outcome(image: str = IMAGE, *, accepted: str = "2026-11-29T12:30:00+00:00") -> Happened:
    shown = {
        "id": image,
        "name": f"notebake/{RUN}",
        "accepted": accepted,
        "snapshots": ["snap-0123456789abcdef0"],
    }
    return kinds.OUTCOME, {"image": shown if image else None}


def bake(recipe: Recipe = RECIPE) -> list[Happened]:
    """Return what happens in a bake that ends with an accepted image."""
    return [
        began(recipe),
        executing(),
        step("preflight"),
        *call("ImportKeyPair", "key-0123456789abcdef0", name="key-pair-builder"),
        step("import_key_pair"),
        *call("RunInstances", BUILDER, name="builder-1", ImageId=BASE_IMAGE),
        step("launch_instance", result=BUILDER, seconds=12.25),
        step("clone_repository", result=COMMIT),
        stored("locks/requirements.txt", "numpy"),
        step("install_software", "failed", "no network"),
        step("install_software", result="7 Python packages"),
        stored("notebook/verdict.json", "verdict"),
        *call("CreateImage", IMAGE, name="image", InstanceId=BUILDER),
        *call("TerminateInstances", InstanceIds=[BUILDER]),
        *call("DeleteKeyPair", KeyPairId="key-0123456789abcdef0", error="RequestLimitExceeded"),
        step("launch_instance", "undone"),
        (kinds.REMOVED, {"name": "key-pair-builder"}),
        outcome(),
        ended(),
    ]


def write(
    place: RecordPlace,
    happened: list[Happened],
    run: str = RUN,
    *,
    who: str = "p-ada",
    execution: str = "e-1",
) -> Chain:
    """Add what happened to the chain of a run, as one execution does it."""
    chain = Chain(place, run, Writer(who=who, execution=execution))
    for kind, body in happened:
        chain.append(kind, body)
    return chain


def write_sealed(
    place: RecordPlace,
    run: str = RUN,
    recipe: Recipe = RECIPE,
    *,
    who: str = "p-ada",
    execution: str = "e-1",
) -> Chain:
    """Record a whole bake, and seal it."""
    chain = write(place, bake(recipe), run, who=who, execution=execution)
    assert close_if_finished(chain)
    return chain
