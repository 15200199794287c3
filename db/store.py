"""The unit of work: a case, its events, timers, queue places and deliveries in one transaction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime

from sqlalchemy import Connection

from app.core.case import Case
from app.core.digest import DigestOutcome
from app.core.effects import Outcome, Settlement
from app.core.office import Office, OfficeOutcome
from db import upgrade
from db.auditing import AuditReads
from db.cases import CaseWrites
from db.connect import connect
from db.digests import DigestReads, DigestWrites
from db.figures import FigureReads
from db.log import LogReads, LogWrites
from db.office import OfficeReads, OfficeWrites
from db.outbox import OutboxReads, OutboxWrites
from db.queries import CaseReads
from db.timers import TimerReads, TimerWrites


class Reader(AuditReads, CaseReads, FigureReads, LogReads, OfficeReads, OutboxReads, DigestReads, TimerReads):
    """One moment of the database, for as long as the `with` block of `Store.reading`."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection


class UnitOfWork(CaseWrites, DigestWrites, LogWrites, OfficeWrites, OutboxWrites, TimerWrites, Reader):
    """One transaction that holds the write lock: nobody else decides, claims or settles meanwhile."""

    @contextmanager
    def savepoint(self) -> Iterator[None]:
        """What happens inside is undone alone when it raises; the exception goes on."""
        frontier = self._frontier
        try:
            with self._connection.begin_nested():
                yield
        except BaseException:
            self._frontier = frontier
            raise

    def save(self, before: Case | None, outcome: Outcome, now: datetime) -> None:
        """Make a decision durable: `before` is the case as it was read, None for a new one.

        Raises VersionConflict when it is not the stored one, TicketTaken when the ticket has another open case (save
        the superseded one first). After an exception only a savepoint around it can go on.
        """
        after = outcome.case
        if before is not None and (after.id, after.version) != (before.id, before.version + 1):
            raise ValueError(f"case {before.id}: version {before.version + 1} expected, got {after.version}")
        self._write_case(before, after, now)
        self.append_events(outcome.events, after.id, now)
        self._project_timers(before, after)
        self._project_queues(before, after)
        self._index_packets(before, after)
        self._project_digests(before, after, now)
        self._settle(outcome.settled, now)
        self._enqueue(after.id, outcome.effects, now)

    def save_office(self, before: Office, outcome: OfficeOutcome, now: datetime) -> None:
        """Raises VersionConflict when `before` is not the stored one."""
        self._write_office(before, outcome.office)
        self.append_events(outcome.events, None, now)
        self._settle(outcome.settled, now)
        self._enqueue(None, outcome.effects, now)

    def save_digest(self, outcome: DigestOutcome, now: datetime) -> None:
        self.append_events(outcome.events, None, now)
        self._settle(outcome.settled, now)
        if outcome.again:
            self._send_digest(outcome.digest, now)
        else:
            self._write_digest(outcome.digest)

    def _settle(self, settlements: Iterable[Settlement], now: datetime) -> None:
        for settled in settlements:
            if settled.status == "redrive":
                self.redrive(settled.delivery)
            else:
                self.settle(settled.delivery, settled.status, settled.error, now)


class Store:
    """A SQLite file (`sqlite:///…`) or a PostgreSQL database (`postgresql://…`), the same behind this door.

    Threads may share one. Raises BadDatabaseUrl.
    """

    def __init__(self, url: str) -> None:
        self._engines = connect(url)

    def upgrade(self) -> None:
        """Bring the tables to this release; several processes may start at once. Raises SchemaTooNew."""
        with self._engines.writer.begin() as connection:
            upgrade.upgrade(connection)

    def check_schema(self) -> None:
        """Raises SchemaTooNew or SchemaTooOld unless the tables are those of this release."""
        with self._engines.reader.connect() as connection:
            upgrade.check(connection)

    def schema_version(self) -> str | None:
        """As the database says it, None before the first upgrade."""
        with self._engines.reader.connect() as connection:
            return upgrade.version_of(connection)

    @contextmanager
    def writing(self) -> Iterator[UnitOfWork]:
        """Commits at the end of the block, undoes everything when it raises."""
        with self._engines.writer.begin() as connection:
            unit = UnitOfWork(connection)
            yield unit
            unit._write_frontier()

    @contextmanager
    def reading(self) -> Iterator[Reader]:
        with self._engines.reader.connect() as connection:
            yield Reader(connection)

    def close(self) -> None:
        self._engines.dispose()
