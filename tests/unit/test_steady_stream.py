"""A stream that never fails: text that cannot be written is dropped, and no reader blocks it."""

import errno
import io
import os
import pty
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from rich.console import Console

from flows.terminal import steady_stream
from flows.terminal.console import failure_of, steadied
from flows.terminal.steady_stream import MAX_BACKLOG, SteadyStream, steady
from tests.limits import HANG_SECONDS


@contextmanager
def broken_pipe() -> Iterator[IO[str]]:
    ours, theirs = os.pipe()
    os.close(ours)
    yield from _with_stream(theirs)


@contextmanager
def full_disk() -> Iterator[IO[str]]:
    yield from _with_stream(os.open("/dev/full", os.O_WRONLY))


@contextmanager
def closed_terminal() -> Iterator[IO[str]]:
    ours, theirs = pty.openpty()
    os.close(ours)
    yield from _with_stream(theirs)


@contextmanager
def closed_stream() -> Iterator[IO[str]]:
    with Path(os.devnull).open("w") as stream:
        pass
    yield stream


def _with_stream(descriptor: int) -> Iterator[IO[str]]:
    stream = os.fdopen(descriptor, "w", closefd=False)
    try:
        yield stream
    finally:
        os.close(descriptor)


@pytest.mark.parametrize(
    ("opened", "number"),
    [
        (broken_pipe, errno.EPIPE),
        (full_disk, errno.ENOSPC),
        (closed_terminal, errno.EIO),
        (closed_stream, None),
    ],
)
def test_text_that_cannot_be_written_is_dropped_silently(
    opened: object, number: int | None
) -> None:
    with opened() as stream:  # type: ignore[operator]
        ours = steady(stream)
        for line in range(100):
            ours.write(f"line {line}\n")
            ours.flush()
        failure = ours.failure  # type: ignore[attr-defined]

    assert isinstance(failure, (OSError, ValueError))
    assert getattr(failure, "errno", None) == number


def test_text_of_all_threads_arrives_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    # On a busy machine a reader may look stuck although it is only slow.
    monkeypatch.setattr(steady_stream, "OUTPUT_SECONDS", HANG_SECONDS)
    ours, theirs = os.pipe()
    stream = SteadyStream(os.fdopen(theirs, "w", closefd=False))
    received = bytearray()

    def read() -> None:
        while piece := os.read(ours, 4096):
            received.extend(piece)

    def write(name: int) -> None:
        for number in range(200):
            stream.write(f"{name} {number}\n")
            stream.flush()

    reading = threading.Thread(target=read)
    writing = [threading.Thread(target=write, args=(name,)) for name in range(4)]
    for thread in (reading, *writing):
        thread.start()
    for thread in writing:
        thread.join()
    os.close(theirs)
    reading.join()
    os.close(ours)

    lines = [tuple(map(int, line.split())) for line in received.decode().splitlines()]
    assert len(lines) == 800
    assert [[number for stream, number in lines if stream == name] for name in range(4)] == [
        list(range(200))
    ] * 4
    assert stream.failure is None


def test_a_flush_is_not_ended_by_what_other_threads_write(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(steady_stream, "OUTPUT_SECONDS", HANG_SECONDS)
    may_write, flushed = threading.Event(), threading.Event()
    written: list[str] = []

    class SlowStream(io.StringIO):
        def fileno(self) -> int:
            raise OSError("it has no descriptor")

        def write(self, text: str) -> int:
            assert may_write.wait(HANG_SECONDS)
            written.append(text)
            return len(text)

    stream = SteadyStream(SlowStream())

    def write_and_flush() -> None:
        stream.write("first\n")
        stream.flush()
        flushed.set()

    flushing = threading.Thread(target=write_and_flush)
    flushing.start()
    for number in range(20):
        stream.write(f"{number}\n")
        was_flushed = flushed.wait(0.02)
        assert not was_flushed, "nothing was written yet"
    may_write.set()
    flushing.join(HANG_SECONDS)

    assert flushed.is_set()
    assert "first\n" in "".join(written)


def test_a_slow_reader_is_waited_for_once_and_gets_the_rest_later(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(steady_stream, "OUTPUT_SECONDS", 0.05)
    ours, theirs = os.pipe()
    stream = SteadyStream(os.fdopen(theirs, "w", closefd=False))
    text = "x" * 300_000  # more than a pipe holds

    stream.write(text)
    stream.flush()  # returns, though not all is written
    monkeypatch.setattr(steady_stream, "OUTPUT_SECONDS", 3600)
    stream.write("end")
    stream.flush()  # returns at once, as it is known that nobody reads

    received = b""
    while not received.endswith(b"end"):
        received += os.read(ours, 65536)
    assert received.decode() == f"{text}end"
    os.close(ours)
    os.close(theirs)


def test_the_buffer_for_a_slow_reader_is_bounded() -> None:
    ours, theirs = os.pipe()
    stream = SteadyStream(os.fdopen(theirs, "w", closefd=False))

    for _ in range(50):
        stream.write("x" * 100_000)

    assert stream._backlog <= MAX_BACKLOG + 100_000
    assert isinstance(stream.failure, TimeoutError)
    os.close(ours)
    # What waits is lost now; until then its thread writes to a descriptor that may be another's.
    stream.flush()
    assert stream._backlog == 0
    os.close(theirs)


def test_a_reader_of_a_non_blocking_pipe_gets_everything() -> None:
    ours, theirs = os.pipe()
    os.set_blocking(theirs, False)
    stream = SteadyStream(os.fdopen(theirs, "w", closefd=False))

    stream.write("x" * 300_000)
    received = 0
    while received < 300_000:
        received += len(os.read(ours, 65536))

    assert stream.failure is None
    os.close(ours)
    os.close(theirs)


@pytest.mark.parametrize("has_descriptor", [True, False])
def test_a_character_that_the_encoding_does_not_have_is_replaced(has_descriptor: bool) -> None:
    ours, theirs = os.pipe()
    below = io.BytesIO()
    stream = SteadyStream(
        os.fdopen(theirs, "w", encoding="ascii", closefd=False)
        if has_descriptor
        else io.TextIOWrapper(below, encoding="ascii")
    )

    stream.write("21 °C ✓\n")
    stream.flush()

    assert (os.read(ours, 100) if has_descriptor else below.getvalue()) == b"21 ?C ?\n"
    os.close(ours)
    os.close(theirs)


def test_the_stream_accepts_text_only() -> None:
    with pytest.raises(TypeError):
        SteadyStream(io.TextIOWrapper(io.BytesIO())).write(b"")  # type: ignore[arg-type]


def test_a_console_is_as_before_after_the_block() -> None:
    with broken_pipe() as stream:
        console = Console(file=stream)
        with steadied(console):
            console.print("nobody reads this")
            failure = failure_of(console)
        assert console.file is stream

    assert isinstance(failure, BrokenPipeError)
