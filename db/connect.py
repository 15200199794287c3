"""Engines for the two databases, so that nothing above them asks which one it is."""

from __future__ import annotations

import sqlite3
import time
from typing import Any, NamedTuple

from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from db.errors import BadDatabaseUrl

READERS = 8
# How long a writer waits for another process before it fails: longer than any batch, shorter than a person waits.
BUSY_SECONDS = 15
# One lock for every writer of a PostgreSQL database gives commands one order over all replicas. Any fixed number.
WRITE_LOCK = 0x434F554E54455253


class Engines(NamedTuple):
    """`writer` holds one connection, and each of its transactions has the write lock from its first statement on.

    `reader` transactions see one moment of the database and cannot write.
    """

    writer: Engine
    reader: Engine

    def dispose(self) -> None:
        self.writer.dispose()
        self.reader.dispose()


def connect(url: str) -> Engines:
    """Opens nothing yet. Raises BadDatabaseUrl."""
    parsed = _parse(url)
    return _sqlite(parsed) if parsed.get_backend_name() == "sqlite" else _postgresql(parsed)


def _parse(url: str) -> URL:
    try:
        parsed = make_url(url)
    except ArgumentError:
        raise BadDatabaseUrl("DATABASE_URL: expected sqlite:///file or postgresql://…") from None
    if parsed.drivername == "sqlite":
        if parsed.database in (None, "", ":memory:"):
            raise BadDatabaseUrl("DATABASE_URL: SQLite needs a file, as in sqlite:///countersign.db")
        return parsed
    if parsed.drivername in ("postgresql", "postgres", "postgresql+psycopg"):
        return parsed.set(drivername="postgresql+psycopg")
    raise BadDatabaseUrl(f"DATABASE_URL: {parsed.drivername} is not supported; use sqlite or postgresql")


def _sqlite(url: URL) -> Engines:
    options: dict[str, Any] = {"connect_args": {"check_same_thread": False, "timeout": BUSY_SECONDS}}
    writer = create_engine(url, pool_size=1, max_overflow=0, pool_timeout=BUSY_SECONDS * 2, **options)
    reader = create_engine(url, pool_size=READERS, max_overflow=READERS, **options)
    event.listen(writer, "connect", _prepare_sqlite)
    event.listen(reader, "connect", _prepare_sqlite)
    event.listen(reader, "connect", lambda connection, _: connection.execute("PRAGMA query_only = ON"))
    # A deferred transaction that reads and then writes can fail half-way: take the lock first.
    event.listen(writer, "begin", lambda connection: connection.exec_driver_sql("BEGIN IMMEDIATE"))
    event.listen(reader, "begin", lambda connection: connection.exec_driver_sql("BEGIN"))
    return Engines(writer, reader)


def _prepare_sqlite(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None  # the driver would begin transactions of its own
    _use_wal(connection)
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")


def _use_wal(connection: sqlite3.Connection) -> None:
    """Switching the mode does not wait for other processes as other statements do, so this waits."""
    give_up = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
            return
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > give_up:
                raise
            time.sleep(0.02)


def _postgresql(url: URL) -> Engines:
    # A server that restarted costs one ping, not a failed batch.
    options: dict[str, Any] = {"pool_pre_ping": True}
    # READ COMMITTED: with a snapshot taken before the lock was granted, a writer would not see the one before it.
    writer = create_engine(
        url,
        pool_size=1,
        max_overflow=0,
        pool_timeout=BUSY_SECONDS * 2,
        isolation_level="READ COMMITTED",
        **options,
    )
    reader = create_engine(url, pool_size=READERS, max_overflow=READERS, isolation_level="REPEATABLE READ", **options)
    event.listen(writer, "begin", _lock_postgresql)
    return Engines(writer, reader.execution_options(postgresql_readonly=True))


def _lock_postgresql(connection: Connection) -> None:
    connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITE_LOCK})")
