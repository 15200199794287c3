"""The product beside a town: in this process, or as `countersign serve` in a process of its own."""

from __future__ import annotations

import shutil
import signal
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import sqlalchemy as sa

from app.clock import AdjustableClock
from app.main import Service
from app.sandbox.serving import RunningServer, run
from app.settings import Settings
from tests.e2e.town import POLICIES, Town, wait_for

COUNTERSIGN = Path(sys.executable).parent / "countersign"
STARTS_WITHIN = 120.0


class Office:
    """The service in this process, on a clock that can jump ahead."""

    def __init__(self, town: Town, database_url: str, **changes: str) -> None:
        self.town = town
        self.clock = AdjustableClock()
        environment = {name.lower(): value for name, value in town.environment(database_url, **changes).items()}
        self.service = Service(Settings(_env_file=None, **environment), clock=self.clock)  # type: ignore[arg-type]
        self.service.start()
        self.server: RunningServer = run(self.service.api)
        town.bots.append(self.server.url)

    def send_delay_over(self) -> None:
        """Nobody can undo any more what was approved before."""
        self.clock.advance(6)

    def reconcile(self) -> int:
        """One whole round of the reconciler; how much it repaired."""
        reconciler = self.service.reconciler
        found = reconciler.tick()
        for _ in range(20):
            if not reconciler._walks:
                return found
            found += reconciler.tick()
        raise AssertionError("a round of the reconciler has no end")

    def stop(self) -> None:
        self.town.bots.remove(self.server.url)
        self.server.stop()
        self.service.stop()


class Process:
    """`countersign serve` on its own port, working in `directory`; `errors` is what it wrote to stderr."""

    def __init__(self, town: Town, directory: Path, environment: dict[str, str], *, ready: bool = True) -> None:
        self.town = town
        port = free_port()
        self.url = f"http://127.0.0.1:{port}"
        self._log = directory / f"serve-{port}.log"
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(
                [COUNTERSIGN, "serve"],
                env={**bare(environment), "COUNTERSIGN_PORT": str(port)},
                cwd=directory,
                stdout=log,
                stderr=log,
            )
        if ready:
            self.wait_until_ready()

    def wait_until_ready(self) -> None:
        try:
            wait_for(self._is_ready, f"{self.url} to be ready: {self.errors}", STARTS_WITHIN)
        except BaseException:
            self.kill()
            raise
        self.town.bots.append(self.url)

    @property
    def errors(self) -> str:
        return self._log.read_text()

    def _is_ready(self) -> bool:
        assert self.process.poll() is None, f"serve ended with {self.process.returncode}: {self.errors}"
        try:
            return httpx.get(f"{self.url}/readyz", trust_env=False, timeout=2).status_code == 200
        except httpx.HTTPError:
            return False

    def kill(self) -> None:
        """As a power cut would."""
        self.process.kill()
        self.process.wait(10)
        if self.url in self.town.bots:
            self.town.bots.remove(self.url)

    def terminate(self, within: float) -> int:
        """SIGTERM; the exit code. Fails the test when it takes longer."""
        self.process.send_signal(signal.SIGTERM)
        code = self.process.wait(within)
        self.town.bots.remove(self.url)
        return code


def bare(environment: dict[str, str]) -> dict[str, str]:
    """Nothing of this process's own settings reaches the one under test."""
    return {"PATH": "/usr/bin:/bin", "LANG": "C.UTF-8", **environment}


def countersign(*arguments: str, environment: dict[str, str], directory: Path) -> subprocess.CompletedProcess[str]:
    """One command, run to its end."""
    return subprocess.run(
        [COUNTERSIGN, *arguments],
        env=bare(environment),
        cwd=directory,
        capture_output=True,
        text=True,
        timeout=STARTS_WITHIN,
        check=False,
    )


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def policy_with(directory: Path, file: str, before: str, after: str) -> Path:
    """A copy of the shipped policy with one passage changed."""
    copied = directory / "policies"
    if not copied.exists():
        shutil.copytree(POLICIES, copied)
    text = (copied / file).read_text()
    assert before in text, f"{file} has no {before!r}"
    (copied / file).write_text(text.replace(before, after, 1))
    return copied


def in_database(database_url: str, statement: str, **values: object) -> list[tuple[object, ...]]:
    """What somebody with access to the database can do behind the product's back."""
    url = database_url.replace("postgresql://", "postgresql+psycopg://", 1)
    engine = sa.create_engine(url, poolclass=sa.NullPool)
    try:
        with engine.begin() as connection:
            answer = connection.execute(sa.text(statement), values)
            return [tuple(row) for row in answer] if answer.returns_rows else []
    finally:
        engine.dispose()


def leases_over(database_url: str) -> None:
    """What a worker that died had claimed is free again, as a minute later."""
    in_database(database_url, "UPDATE outbox SET lease_until = '2000-01-01T00:00:00.000000Z' WHERE status = 'claimed'")
