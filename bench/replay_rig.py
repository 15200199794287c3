"""The real service beside a sandbox, driven by one thread on a clock that jumps to whatever is due next."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from starlette.routing import Route

from app.auditlog import Checkpointer, verify
from app.core.errors import CountersignError
from app.courier import Ports
from app.dispatch import DESTINATIONS, IDLE, Dispatcher
from app.edges.api import create_api
from app.edges.keys import ApiKeys
from app.edges.listeners import Desk, bolt_app
from app.edges.metrics import Metrics
from app.edges.policy_files import load_policy
from app.edges.slack_http import SlackEndpoint
from app.edges.understanding import Understandings
from app.engine import Engine
from app.main import role_sources
from app.ports.crm.hubspot import HubSpotCrm
from app.ports.directory import SlackDirectory
from app.ports.helpdesk.webhook import WebhookHelpdesk
from app.ports.slack import SlackPort, slack_client
from app.sandbox.server import Sandbox, SandboxConfig
from app.sandbox.serving import RunningServer, run
from app.timers import Sweeper
from db.store import Store

POLICIES = Path(__file__).resolve().parents[1] / "policies"
START = datetime(2026, 3, 2, 9, tzinfo=UTC)
API_SECRET = "replay-key"
HELPDESK_SECRET = "whsec_cmVwbGF5LWhlbHBkZXNrLXNlY3JldC0zMi1ieXRlcyE="
PATIENCE = timedelta(hours=12)  # of virtual time


class VirtualClock:
    """Wall and monotonic clock in one; moves only when told."""

    def __init__(self, start: datetime = START) -> None:
        self._start = start
        self._seconds = 0.0

    def now(self) -> datetime:
        return self._start + timedelta(seconds=self._seconds)

    def monotonic(self) -> float:
        return self._seconds

    def reading_at(self, moment: datetime) -> float:
        return (moment - self._start).total_seconds()

    def advance_to(self, seconds: float) -> None:
        self._seconds = max(self._seconds, seconds)


class LogProblems(logging.Handler):
    """Keeps what was logged at ERROR or with an exception; warnings are only counted."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.warnings: dict[str, int] = {}
        self.errors: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        line = f"{record.name}: {record.getMessage()}"
        if record.levelno >= logging.ERROR or record.exc_info:
            fault = record.exc_info[1] if record.exc_info else None
            self.errors.append(f"{line} {fault!r}" if fault else line)
        else:
            key = f"{record.name}: {record.msg}"
            self.warnings[key] = self.warnings.get(key, 0) + 1


class Rig:
    """Everything `Service` builds, with time handed in. Also a context manager; use it once."""

    def __init__(self, database_url: str, clock: VirtualClock | None = None) -> None:
        self.clock = clock or VirtualClock()
        self.log = LogProblems()
        logging.getLogger().addHandler(self.log)
        self.config = SandboxConfig(
            helpdesk_secret=HELPDESK_SECRET,
            now=lambda: self.clock.now().timestamp(),
            rate_clock=self.clock.monotonic,
            echo_own_messages=False,
        )
        self.sandbox = Sandbox(self.config)
        self.far: RunningServer = run(self.sandbox.app)
        self.policy = load_policy(POLICIES)
        self.store = Store(database_url)
        self.store.upgrade()
        client = slack_client(self.config.bot_token, f"{self.far.url}/api/")
        self.slack = SlackPort(client, monotonic=self.clock.monotonic)
        self.directory = SlackDirectory(client, role_sources(self.policy))
        self.directory.load()
        self.engine = Engine(self.store, self.policy, clock=self.clock, people=self.directory.snapshot)
        self.dispatcher = self._dispatcher()
        self.sweeper = Sweeper(self.engine)
        self.key = Ed25519PrivateKey.from_private_bytes(sha256(b"replay").digest())
        # One thread: whoever waits for its turn knows that what was asked before is done.
        self.pool = ThreadPoolExecutor(1, thread_name_prefix="answer")
        desk = Desk(self.engine, self.slack, self.directory, self.pool, Metrics(self.engine))
        endpoint = SlackEndpoint(bolt_app(client, desk), self.config.signing_secret)
        keys = ApiKeys.parse(f"replay:{API_SECRET}:submit+read+audit")
        route = Route("/slack/events", endpoint.__call__, methods=["POST"])
        self.engine.start()
        self.engine.offer(self.policy, by="system:start")
        self.bot: RunningServer = run(
            create_api(self.engine, keys, extra_routes=(route,), understanding=Understandings(self.policy))
        )
        self.config.bot_url = self.bot.url
        self._awake = {destination: threading.Event() for destination in DESTINATIONS}
        self._look_at = dict.fromkeys(DESTINATIONS, 0.0)
        self.engine.listeners.append(self._wake)

    def _dispatcher(self) -> Dispatcher:
        ports = Ports(
            slack=self.slack,
            helpdesk=WebhookHelpdesk(f"{self.far.url}/helpdesk/webhook", HELPDESK_SECRET, clock=self.clock.now),
            crm=HubSpotCrm(self.far.url, self.config.crm_token),
        )
        return Dispatcher(
            self.engine,
            ports,
            worker="replay",
            clock=self.clock,
            jitter=lambda: 0.5,
            monotonic=self.clock.monotonic,
        )

    def __enter__(self) -> Rig:
        return self

    def __exit__(self, *_: Any) -> None:
        self.bot.stop()
        self.dispatcher.stop()
        self.engine.stop()
        self.pool.shutdown(wait=True)
        self.slack.close()
        self.far.stop()
        self.store.close()
        logging.getLogger().removeHandler(self.log)

    # --- time ----------------------------------------------------------------------------------------------------

    def _wake(self) -> None:
        for event in self._awake.values():
            event.set()

    def run_until(self, done: Callable[[], bool], look: Callable[[], bool]) -> bool:
        """Deliver, fire timers and let people look, until `done`; False when it took all our patience.

        A worker looks when a commit wakes it or after `IDLE` seconds, as its thread would. Work itself takes no time.
        """
        give_up = self.clock.now() + PATIENCE
        while self.clock.now() < give_up:
            moved = self._deliver() + self._sweep()
            if look() or moved or any(event.is_set() for event in self._awake.values()):
                continue
            if done():
                return True
            self.clock.advance_to(self._next())
        return False

    def settle(self) -> None:
        """Wait for the private answers and modals that were asked for."""
        self.pool.submit(lambda: None).result(30)

    def _deliver(self) -> int:
        moved = 0
        for destination in DESTINATIONS:
            if not self._awake[destination].is_set() and self.clock.monotonic() < self._look_at[destination]:
                continue
            self._awake[destination].clear()
            handled = self.dispatcher.step(destination)
            self._look_at[destination] = self.clock.monotonic() + (0 if handled else IDLE)
            moved += handled
        return moved

    def _sweep(self) -> int:
        with self.store.reading() as reader:
            due = reader.oldest_due()
        return self.sweeper.sweep() if due is not None and due <= self.clock.now() else 0

    def _next(self) -> float:
        times = list(self._look_at.values())
        with self.store.reading() as reader:
            due = reader.oldest_due()
        if due is not None:
            times.append(self.clock.reading_at(due))
        return min(times)

    # --- looking back --------------------------------------------------------------------------------------------

    def outbox_empty(self) -> bool:
        with self.store.reading() as reader:
            return not reader.delivery_backlog()

    def replies_wait(self) -> bool:
        """Whether an approved reply still waits for the end of its send delay."""
        with self.store.reading() as reader:
            return any(timer.kind == "send" for _, timer in reader.due_timers(self.clock.now() + PATIENCE, 10_000))

    def stuck_deliveries(self) -> list[str]:
        """Dead, parked or held, each with its reason."""
        with self.store.reading() as reader:
            found = reader.deliveries("dead", "indeterminate", "held", limit=1_000)
        return [f"{d.id} {type(d.effect).__name__} {d.status}: {d.error}" for d in found]

    def audit(self) -> tuple[bool, str]:
        """Sign a checkpoint and verify the whole log, as `countersign audit verify` does."""
        Checkpointer(self.store, self.key, self.clock).sign()
        try:
            report = verify(self.store, self.key)
        except CountersignError as error:
            return False, str(error)
        text = report.problem or f"{report.events} events, {report.checkpoints_ok} checkpoints"
        return report.ok, text
