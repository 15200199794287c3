"""The tick: sweeps rows that are due and signs checkpoints. APScheduler only ticks; what is due stands in the store."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from datetime import timedelta

from apscheduler.schedulers.background import BackgroundScheduler

from app.auditlog import Checkpointer
from app.core.errors import Refused
from app.core.messages import FireTimer
from app.engine import Busy, Engine, Handled, where

log = logging.getLogger("countersign.timers")

TICK = timedelta(seconds=0.5)
SWEEP = 200
CHECKPOINT_EVERY = timedelta(seconds=60)
Repeated = tuple[Callable[[], object], timedelta]


class Sweeper:
    """Fires what is due, oldest first, however late; the store's order and the state machine make it exactly once."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine

    def sweep(self) -> int:
        """One round of at most `SWEEP` timers, so that a week's downtime is caught up without a storm."""
        now = self.engine.clock.now()
        with self.engine.store.reading() as reader:
            due = reader.due_timers(now, SWEEP)
        waiting: list[Future[Handled]] = []
        fired = 0
        for case_id, timer in due:
            command = FireTimer(case_id=case_id, key=timer.key)
            if self.engine.running:
                try:
                    waiting.append(self.engine.submit(command))
                except Busy:
                    break
            else:
                fired += _settle(lambda c=command: self.engine.handle(c))  # type: ignore[misc]
        return fired + sum(_settle(f.result) for f in waiting)


def _settle(answer: Callable[[], Handled]) -> int:
    try:
        answer()
    except Refused:
        return 0  # another replica was faster, or the case moved on
    except Exception as error:
        log.error("a timer could not fire and stays due: %s", where(error))
        return 0
    return 1


class Ticker:
    """Runs what has to be done every so often in APScheduler's own threads; `further` are jobs and their intervals."""

    def __init__(
        self,
        sweeper: Sweeper,
        checkpointer: Checkpointer,
        further: Sequence[tuple[Callable[[], object], timedelta]] = (),
    ) -> None:
        self._scheduler = BackgroundScheduler(timezone="UTC")
        for job, every in ((sweeper.sweep, TICK), (checkpointer.sign, CHECKPOINT_EVERY), *further):
            self._scheduler.add_job(
                job, "interval", seconds=every.total_seconds(), max_instances=1, coalesce=True, misfire_grace_time=None
            )

    def start(self) -> None:
        self._scheduler.start()

    def stop(self) -> None:
        self._scheduler.shutdown(wait=True)
