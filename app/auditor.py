"""Looks, apart from everything that should prevent it, for what is wrong: no timers, late ones, dead letters (TI4)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta

from app.core.errors import Refused
from app.core.office import Alarm, AlarmKind, ReportAlarms
from app.engine import Engine
from db.auditing import Tally
from db.store import Reader

GRACE = timedelta(minutes=1)  # the sweep looks twice a second
NAMED = 10  # cases that an alarm names


class Auditor:
    """One per process; what several of them find is told once, since the office remembers what it was told."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def look(self) -> None:
        """One round."""
        engine = self.engine
        engine.follow()
        with engine.store.reading() as reader:
            found = tuple(find_alarms(reader, engine.clock.now(), engine.policy.queue_alert))
            told = {alarm.key for alarm in reader.office().alarms}
        if told == {alarm.key for alarm in found}:
            return  # no lock is taken where nothing is new
        try:
            engine.report_alarms(ReportAlarms(found=found))
        except Refused:
            return  # another replica was faster


def find_alarms(reader: Reader, now: datetime, queue_alert: int) -> Iterator[Alarm]:
    """Everything that is wrong at `now`; a queue is too long with more than `queue_alert` cases."""
    for queue, count in reader.waiting_by_queue().items():
        if count > queue_alert:
            yield Alarm(kind="queue_full", where=queue, count=count)
    found: Mapping[AlarmKind, Tally] = {
        "timers_missing": reader.untimed_cases(NAMED),
        "timers_overdue": reader.late_timers(now - GRACE, NAMED),
        "cases_stuck": reader.stuck_cases(NAMED),
    }
    for kind, tally in found.items():
        if tally.count:
            yield Alarm(kind=kind, count=tally.count, cases=tally.cases)
    for destination, tally in reader.dead_letters(NAMED).items():
        yield Alarm(kind="dead_letters", where=destination, count=tally.count, cases=tally.cases)
