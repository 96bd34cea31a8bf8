"""One process that holds a whole world: AWS, hosts, time, and the machine that the run is on."""

import functools
import os
import shutil
import sys
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future
from contextlib import suppress
from email.utils import formatdate
from io import BytesIO
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TypeVar

import botocore.handlers
import botocore.retries.standard
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ConnectionClosedError
from moto import backends
from moto.core.base_backend import BackendDict

from notebake import clock
from notebake.aws import clients
from notebake.aws.session import session
from notebake.aws.signing import SIGNED_BY
from notebake.local import process
from notebake.machines import renewal
from notebake.notebook import html
from notebake.preflight import software
from notebake.recipe import Recipe
from notebake.runbook.step import current_step
from notebake.runs import held_lock
from notebake.ssh import connection
from sandbox.api.application import Application
from sandbox.clock import Clock as CloudClock
from sandbox.ec2.model import Volume
from sandbox.ec2.state.cloud import Cloud
from sandbox.ec2.state.core import ACCOUNT_ID
from sandbox.faults.fault import read_fault
from sandbox.messages.call import CallLog
from tasks import wait_for_host
from tests.kills import scripted_ssh
from tests.kills.history import History
from tests.kills.points import Interceptor, PassThrough, Point, is_reading
from tests.kills.scripted_disks import VolumeDisk
from tests.kills.scripted_machines import ScriptedMachines
from tests.kills.scripted_work import COMMIT, CONTENT
from tests.kills.virtual_clock import VirtualClock, thread_class
from tests.manual_workers import NO_LATENCY, ManualWorkers
from tests.replacement import replace

T = TypeVar("T")
BOOT_ID = "sys/kernel/random/boot_id"
ENDPOINT = "http://127.0.0.1:9"
GIT = f"""#!/bin/sh
case "$*" in
    *ls-tree*) printf '100644 blob {COMMIT}\\tchlorophyll.ipynb\\0' ;;
    *) printf '{COMMIT}\\tHEAD\\n{COMMIT}\\trefs/heads/main\\n' ;;
esac
"""
USERS_FILE_SYSTEM = "5e0c9d3e-0000-4000-8000-000000000001"


class World:
    """Everything beside notebake itself."""

    clock_class: type[VirtualClock] = VirtualClock
    machines_class: type[ScriptedMachines] = ScriptedMachines

    def __init__(self, recipe: Recipe, directory: Path) -> None:
        self.recipe, self.directory = recipe, directory
        self.jupyter_port = 0
        self.main_thread = threading.get_ident()
        self.clock = self.clock_class()
        self.process_numbers = ProcessNumbers()
        self.empty()

    def empty(self, account_id: str = ACCOUNT_ID) -> None:
        """Begin anew, at the beginning of time and with nothing in the account."""
        recipe = self.recipe
        BackendDict.reset()
        self.clock.seconds = 0
        self.clock.on_advance = self.go_on
        self.workers = ManualWorkers()
        self.machines = self.machines_class(self.clock, recipe.lease_hours)
        self.cloud = self._make_cloud(account_id)
        self.machines.cloud = self.cloud
        self.application = Application(self.cloud, CallLog())
        self.other_applications: dict[str, Application] = {}
        """Other accounts, by the access key of their credentials."""
        self.history = History(self.cloud, recipe.region)
        self.interceptor: Interceptor = PassThrough()
        self.version = 0
        """Grows with every change of the world; the same number is the same world."""
        self.passed = 0

    def _make_cloud(self, account_id: str) -> Cloud:
        return Cloud(
            self.machines,  # type: ignore[arg-type]
            NO_LATENCY,
            account_id,
            workers=self.workers,
            clock=CloudClock(self.clock.now),
        )

    def add_account(self, account_id: str, access_key: str) -> Cloud:
        """Let credentials with this access key be those of another account, which is empty."""
        cloud = self._make_cloud(account_id)
        self.other_applications[access_key] = Application(cloud, CallLog())
        return cloud

    def go_on(self) -> None:
        """Do what the cloud and the hosts do by themselves; one state of the cloud at a time."""
        waiting = len(self.workers.waiting())
        for _ in range(waiting):
            self.workers.run_next()
        self.application.catch_up()
        if self.machines.go_on() or waiting:
            self.version += 1
            self.history.look()

    def send(self, request: Any, event_name: str, **_: object) -> AWSResponse:
        """Carry a request of botocore's to the cloud, and the answer back if it is not lost."""
        service, action = event_name.split(".")[-2:]
        if threading.get_ident() != self.main_thread:
            # A file of S3's on its way: botocore fetches it in threads of its own.
            return self._ask(request)
        point = self._arrive(f"{service}.{action}", is_aws=True)
        self.interceptor.before(point)
        answer = self._ask(request)
        changed = not is_reading(action) and answer.status_code < 400
        if changed:
            self.version += 1
            self.history.look()
        if self.interceptor.after(point, changed=changed):
            raise ConnectionClosedError(endpoint_url=request.url)
        return answer

    def _ask(self, request: Any) -> AWSResponse:
        body = request.body or b""
        body = body.encode() if isinstance(body, str) else body
        body = body if isinstance(body, bytes) else body.read()
        headers = {
            name: value.decode() if isinstance(value, bytes) else value
            for name, value in request.headers.items()
        }
        signed = SIGNED_BY.search(headers.get("Authorization", ""))
        application = self.other_applications.get(signed[1] if signed else "", self.application)
        reply = application.handle(request.method, request.url, headers, body)
        told = {"date": formatdate(self.clock.now(), usegmt=True)}
        return AWSResponse(request.url, reply.status, dict(reply.headers) | told, Raw(reply.body))

    def exchange(self, message: str, effect: Callable[[], T], cut: Callable[[], None]) -> T:
        """Carry a command to a host, and its answer back if it is not lost."""
        point = self._arrive(" ".join(message.split())[:100], is_aws=False)
        self.interceptor.before(point)
        before = self._hosts_state()
        answer = effect()
        changed = self._hosts_state() != before
        self.version += changed
        if self.interceptor.after(point, changed=changed):
            cut()
            raise EOFError
        return answer

    def _arrive(self, name: str, *, is_aws: bool) -> Point:
        self.passed += 1
        return Point(self.passed, current_step.get(), name, is_aws)

    def _hosts_state(self) -> str:
        hosts = self.machines.hosts.values()
        return "".join(f"{host.root!r}{host.boot!r}{host.volumes!r}" for host in hosts)

    def give_users_volume(self, volume_id: str) -> None:
        """Let the user own a volume with files on it."""
        region = self.history.region
        zone = f"{region.name}a"
        made = self.cloud.clock.now()
        volume = Volume(volume_id, 5, zone, "gp3", state="available", create_time=made)
        region.volumes[volume_id] = volume
        self.machines.volumes[volume_id] = volume_id
        self.machines.disks[volume_id] = VolumeDisk(USERS_FILE_SYSTEM)
        self.history.users_own.add(volume_id)

    def be_late(self, seconds: float) -> None:
        """Let EC2 show what it has made only after so long."""
        for action in ("RunInstances", "CreateImage", "CreateSecurityGroup", "ImportKeyPair"):
            description = {"name": f"late {action}", "action": action, "effect": "hide"}
            self.application.injector.add(read_fault(description | {"seconds": seconds}))

    def make_buckets(self) -> None:
        """Give the account a bucket for the run store, and another one with data in it."""
        s3 = clients.connect("s3", "us-east-1")
        for bucket in ("runs", "others"):
            s3.create_bucket(Bucket=bucket)
        s3.put_object(Bucket="others", Key="sst.nc", Body=CONTENT)

    def copy_home(self) -> None:
        """Let a forked child that goes on in the same code write to a home of its own."""
        home = Path(tempfile.mkdtemp(dir=self.directory, prefix="home-"))
        with suppress(shutil.Error):
            # The parent goes on meanwhile: a file that is just being replaced is made anew here.
            shutil.copytree(os.environ["HOME"], home, dirs_exist_ok=True, symlinks=True)
        os.environ |= {"HOME": str(home), "NOTEBAKE_RUNS": str(home / "runs")}
        process.PROC = home / "proc"

    def new_process(self, *, same_machine: bool = False) -> None:
        """Go on as a new process: an empty home, nothing remembered, and maybe elsewhere."""
        forget_all()
        home = Path(tempfile.mkdtemp(dir=self.directory, prefix="home-"))
        os.environ |= {"HOME": str(home), "NOTEBAKE_RUNS": str(home / "runs")}
        self.process_numbers.pid += 1
        boot_id = boot_id_of(process.PROC) if same_machine else home.name
        process.PROC = make_proc(home, self.process_numbers.pid, boot_id)


class Raw(BytesIO):
    """What botocore reads a body from."""

    def stream(self, *_: object, **__: object) -> Any:
        yield self.read()


class SerialExecutor:
    """Has as much of ThreadPoolExecutor as the proof needs, without threads."""

    def __init__(self, _count: int, **_: object) -> None:
        pass

    def __enter__(self) -> "SerialExecutor":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def submit(self, work: Callable[..., T], *arguments: object) -> Future[T]:
        done: Future[T] = Future()
        try:
            done.set_result(work(*arguments))
        except Exception as error:  # noqa: BLE001 - the future hands it on
            done.set_exception(error)
        return done

    def map(self, work: Callable[..., T], *many: Iterable[object]) -> Iterator[T]:
        return map(work, *many)


class ProcessNumbers:
    """The `os` of notebake.local.process, with the number of a run that others go on with."""

    pid = 4242

    def getpid(self) -> int:
        return self.pid

    def kill(self, pid: int, number: int) -> None:
        """Tell whether a process is there: of all that ran here, only the last one is."""
        assert number == 0
        if pid != self.pid:
            raise ProcessLookupError(pid)

    def __getattr__(self, name: str) -> Any:
        return getattr(os, name)


def boot_id_of(proc: Path) -> str:
    return (proc / BOOT_ID).read_text().strip()


def make_proc(home: Path, pid: int, boot_id: str) -> Path:
    """Return a /proc with one process in it."""
    proc = home / "proc"
    (proc / BOOT_ID).parent.mkdir(parents=True)
    (proc / BOOT_ID).write_text(f"{boot_id}\n")
    (proc / "self/ns").mkdir(parents=True)
    (proc / "self/ns/pid").symlink_to("pid:[1]")
    for name in ("self", str(pid)):
        (proc / name).mkdir(exist_ok=True)
        (proc / name / "stat").write_text(f"{pid} (python) S " + "0 " * 18 + "77 0\n")
    return proc


def forget_all() -> None:
    """Empty what notebake remembers in this process."""
    connection._pools.clear()
    for module in notebakes_modules():
        for value in list(vars(module).values()):
            if hasattr(value, "cache_clear") and value not in REMEMBERED:
                value.cache_clear()


PATCHED = ("notebake", "tasks")


def notebakes_modules() -> list[Any]:
    return [module for name, module in sys.modules.items() if name.split(".")[0] in PATCHED]


REMEMBERED: set[Any] = {clients.connect, session}
"""What says the same in every process, and takes long to make: clients know nothing of a run."""


def put_in_place(world: World) -> None:
    """Let this process, which is the world's own, reach nothing but the world."""
    scratch = world.directory / "tmp"
    scratch.mkdir()
    tempfile.tempdir = str(scratch)
    programs = world.directory / "bin"
    programs.mkdir()
    (programs / "git").write_text(GIT)
    (programs / "git").chmod(0o755)
    for name in [variable for variable in os.environ if variable.startswith(("AWS_", "NOTEBAKE_"))]:
        del os.environ[name]
    os.environ |= {
        "AWS_ACCESS_KEY_ID": "testing",
        "AWS_SECRET_ACCESS_KEY": "testing",
        "AWS_CONFIG_FILE": str(world.directory / "none"),
        "AWS_SHARED_CREDENTIALS_FILE": str(world.directory / "none"),
        "AWS_EC2_METADATA_DISABLED": "true",
        "AWS_ENDPOINT_URL": ENDPOINT,
        "PATH": f"{programs}:{os.environ['PATH']}",
    }
    # moto reads its own directory for each call.
    modules = list(backends.list_of_moto_modules())
    backends.list_of_moto_modules = lambda: modules
    botocore.handlers.BUILTIN_HANDLERS.append(("before-send", world.send))
    botocore.retries.standard.ExponentialBackoff.delay_amount = lambda *_: 0.0
    scripted_ssh.put_in_place(world)
    for module in notebakes_modules():
        if hasattr(module, "ThreadPoolExecutor"):
            module.ThreadPoolExecutor = SerialExecutor
    html.render_html = functools.cache(html.render_html)
    REMEMBERED.add(html.render_html)
    replace(wait_for_host, preload_renderer=lambda: None)
    # Whether an index has a package asks the network.
    replace(software, own_index=lambda: "")
    replace(process, os=world.process_numbers)
    threads = SimpleNamespace(Event=threading.Event, Thread=thread_class(world.clock))
    for module in (renewal, held_lock):
        replace(module, threading=threads)
    clock._clocks.append(world.clock)
    world.new_process()


def make_directory() -> Path:
    return Path(tempfile.mkdtemp(prefix="notebake-kills-"))


def remove_directory(directory: Path) -> None:
    shutil.rmtree(directory, ignore_errors=True)
