"""`/metrics` for Prometheus: what waits, what is late, what is stuck, and counts of commands. No names of people."""

from __future__ import annotations

import logging
from collections import Counter as Tally
from collections.abc import Callable, Iterator, Sequence
from typing import Literal, get_args

from prometheus_client import CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from app.core.case import Case
from app.core.messages import OverrideGuardrail, Reassess
from app.core.office import AlarmKind
from app.engine import Engine

log = logging.getLogger("countersign.metrics")

MEDIA_TYPE = "text/plain; version=0.0.4; charset=utf-8"
# Stuck deliveries are counted one by one, so only so far.
MAX_COUNTED = 1_000
SlashOutcome = Literal["answered", "refused", "failed"]


class Metrics:
    """One per engine; every edge that handles commands may count on it. `problems` are those of Slack's directory."""

    def __init__(self, engine: Engine, problems: Callable[[], Sequence[str]] = tuple) -> None:
        self._registry = CollectorRegistry()
        self._registry.register(_Gauges(engine, problems))
        self._commands = Counter(
            "countersign_commands", "Commands that were stored", ["command"], registry=self._registry
        )
        self._refusals = Counter(
            "countersign_refusals", "Commands that were refused", ["code"], registry=self._registry
        )
        self._overrides = Counter(
            "countersign_overrides", "People's words against policy's", ["kind", "direction"], registry=self._registry
        )
        self._slash = Counter(
            "countersign_slash_commands", "/approvals, by its first word", ["word", "outcome"], registry=self._registry
        )

    def handled(self, command: object, case: Case | None = None) -> None:
        """`case` is what the command made of it; without it overrides are not counted."""
        self._commands.labels(type(command).__name__).inc()
        for kind, direction in _overrides(command, case):
            self._overrides.labels(kind, direction).inc()

    def refused(self, code: str) -> None:
        self._refusals.labels(code).inc()

    def slash_command(self, word: str, outcome: SlashOutcome) -> None:
        """`word` is one of a fixed few: what people type is no label."""
        self._slash.labels(word, outcome).inc()

    def text(self) -> bytes:
        """Reads the database."""
        return generate_latest(self._registry)


def _overrides(command: object, case: Case | None) -> Iterator[tuple[str, str]]:
    """(what was overridden, which way) by this command, as DE9 wants it counted."""
    if isinstance(command, OverrideGuardrail):
        yield "guardrail", "lowered"
    if isinstance(command, Reassess) and case and case.said:
        direction = "lowered" if case.said.lowered else "raised"
        if command.intent:
            yield "intent", direction
        if command.tier:
            yield "tier", direction


class _Gauges(Collector):
    def __init__(self, engine: Engine, problems: Callable[[], Sequence[str]]) -> None:
        self._engine = engine
        self._problems = problems

    def describe(self) -> Iterator[GaugeMetricFamily]:
        return iter(())  # registering must not read the database

    def collect(self) -> Iterator[GaugeMetricFamily]:
        try:
            found = list(self._read())
        except Exception as error:
            log.error("metrics could not be read: %s", type(error).__name__)
            found = []
        up = GaugeMetricFamily("countersign_store_up", "1 when the database answered")
        up.add_metric([], float(bool(found)))
        yield from (up, *found)

    def _read(self) -> Iterator[GaugeMetricFamily]:
        now = self._engine.clock.now()
        pending = GaugeMetricFamily("countersign_pending_cases", "Cases people are asked about", labels=["queue"])
        overdue = GaugeMetricFamily("countersign_overdue_cases", "Of these, past their first rung", labels=["queue"])
        late = GaugeMetricFamily("countersign_oldest_overdue_timer_seconds", "How late the oldest due timer is")
        waiting = GaugeMetricFamily("countersign_outbox_pending", "Deliveries not sent yet", labels=["destination"])
        age = GaugeMetricFamily("countersign_outbox_oldest_seconds", "Age of the oldest", labels=["destination"])
        lag = GaugeMetricFamily(
            "countersign_unposted_oldest_seconds", "How long the oldest packet waits to be posted", labels=["queue"]
        )
        stuck = GaugeMetricFamily("countersign_outbox_stuck", "Deliveries a person must look at", labels=["status"])
        untimed = GaugeMetricFamily("countersign_cases_without_timers", "Waiting cases with no timer: always a fault")
        slack = GaugeMetricFamily("countersign_slack_unreachable", "1 while people are told by mail instead")
        alarms = GaugeMetricFamily("countersign_open_alarms", "Told and not over yet", labels=["alarm"])
        unsound = GaugeMetricFamily("countersign_directory_problems", "Roles and channels that somebody has to mend")
        unsound.add_metric([], len(self._problems()))
        channels = {spec.channel for spec in self._engine.policy.roles.values()}
        with self._engine.store.reading() as reader:
            slack.add_metric([], float(reader.office().slack_lost_at is not None))
            for queue, count in reader.queue_counts(now).items():
                pending.add_metric([queue], count.pending)
                overdue.add_metric([queue], count.overdue)
            due = reader.oldest_due()
            late.add_metric([], max(0.0, (now - due).total_seconds()) if due else 0.0)
            for destination, backlog in reader.delivery_backlog().items():
                waiting.add_metric([destination], backlog.pending)
                age.add_metric([destination], max(0.0, (now - backlog.oldest_at).total_seconds()))
            for queue, since in reader.oldest_unposted(channels).items():
                lag.add_metric([queue], max(0.0, (now - since).total_seconds()))
            statuses = Tally(d.status for d in reader.deliveries("dead", "indeterminate", "held", limit=MAX_COUNTED))
            for status in ("dead", "indeterminate", "held"):
                stuck.add_metric([status], statuses[status])
            untimed.add_metric([], reader.untimed_cases(1).count)
            told = Tally(alarm.kind for alarm in reader.office().alarms)
        for kind in get_args(AlarmKind):
            alarms.add_metric([kind], told[kind])
        yield from (pending, overdue, late, waiting, age, lag, stuck, untimed, alarms, unsound, slack)
