"""One process of ours: engine, dispatcher and sweeper on a store of its own, which a crash throws away."""

from __future__ import annotations

import shutil
import sqlite3
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from random import Random
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from sqlalchemy import event

from app.auditlog import Checkpointer
from app.auditor import Auditor
from app.core.people import People
from app.core.policy import Policy
from app.courier import Ports
from app.dispatch import Dispatcher
from app.engine import Engine
from app.reconciler import Reconciler
from app.timers import Sweeper
from db.store import Store
from tests.sim.directory import AT_FIRST
from tests.sim.weather import SimClock

_files = ""
SIGNING_KEY = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))


class Crash(BaseException):
    """The process ends here; nothing of ours may catch it."""


class SimStore(Store):
    """Does not wait for the disk: processes die here, machines do not."""

    def __init__(self, url: str) -> None:
        super().__init__(url)
        for engine in self._engines:
            event.listen(engine, "connect", _hurry)


def _hurry(connection: sqlite3.Connection, _record: object) -> None:
    connection.execute("PRAGMA synchronous = OFF")


@cache
def _template() -> bytes:
    with _directory() as directory:
        path = directory / "template.db"
        store = Store(f"sqlite:///{path}")
        store.upgrade()
        store.close()
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        connection.close()
        return path.read_bytes()


@contextmanager
def database() -> Iterator[str]:
    """The address of a fresh file, gone afterwards."""
    with _directory() as directory:
        path = directory / "countersign.db"
        path.write_bytes(_template())
        yield f"sqlite:///{path}"


def in_memory() -> str | None:
    """Where files cost no disk, if there is such a place."""
    memory = Path("/dev/shm")
    return str(memory) if memory.is_dir() else None


def keep_files_in(directory: str) -> None:
    """For a worker process, which may be ended before it can clean up."""
    global _files
    _files = directory


@contextmanager
def _directory() -> Iterator[Path]:
    where = _files or in_memory()
    path = Path(tempfile.mkdtemp(prefix="countersign-sim-", dir=where))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


class _Bound:
    """What the channels of a fresh install stand for, for good."""

    def bound(self) -> Mapping[str, str]:
        return AT_FIRST.channels


_BOUND: Any = _Bound()


class Parts:
    """The classes a replica is built of; a planted bug exchanges one."""

    engine: type[Engine] = Engine
    dispatcher: type[Dispatcher] = Dispatcher
    sweeper: type[Sweeper] = Sweeper

    def finish(self, replica: Replica) -> None:
        """Called when everything of a replica is built."""


class Replica:
    """`build` after a crash, as another worker or the same, with the policy that the directory holds by then."""

    def __init__(
        self,
        name: str,
        parts: Parts,
        url: str,
        policy: Callable[[], Policy],
        people: Callable[[], People],
        clock: SimClock,
        make_ports: Callable[[], Ports],
        point: Callable[[str], None],
        reader: Any,
    ) -> None:
        self.name = name
        self._policy, self._reader = policy, reader
        self._made: dict[str, Any] = {"clock": clock, "people": people, "point": point}
        self._parts, self._url, self._make_ports = parts, url, make_ports
        self.build(name, Random(0))

    def build(self, worker: str, jitter: Random) -> None:
        clock: SimClock = self._made["clock"]
        self.store = SimStore(self._url)
        policy = self._policy()
        self.engine = self._parts.engine(self.store, policy, **self._made)
        self.ports = self._make_ports()
        self.dispatcher = self._parts.dispatcher(
            self.engine,
            self.ports,
            worker=worker,
            clock=clock,
            point=self._made["point"],
            jitter=jitter.random,
            monotonic=clock.monotonic,
        )
        self.sweeper = self._parts.sweeper(self.engine)
        self.auditor = Auditor(self.engine)
        self.reconciler = Reconciler(self.engine, self.dispatcher.courier, self._reader, _BOUND, clock)
        self.checkpointer = Checkpointer(self.store, SIGNING_KEY, clock)
        self._parts.finish(self)
        self.engine.offer(policy, by="system:start")

    def close(self) -> None:
        self.store.close()
