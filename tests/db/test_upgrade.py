"""The schema: made by migrations, equal to the tables, upgraded by one process at a time, never downgraded."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import text

from db.connect import connect
from db.errors import BadDatabaseUrl, SchemaTooNew, SchemaTooOld
from db.store import Store
from db.tables import metadata
from db.upgrade import newest_version
from tests.db.steps import add, in_processes
from tests.make import a_case


def upgrade(url: str) -> str | None:
    store = Store(url)
    store.upgrade()
    version = store.schema_version()
    store.close()
    return version


def test_migrations_make_exactly_the_tables(database_url: str) -> None:
    engines = connect(database_url)
    with engines.reader.connect() as connection:
        difference = compare_metadata(MigrationContext.configure(connection), metadata)
    engines.dispose()
    assert difference == []


def test_indexes_keep_their_conditions(database_url: str) -> None:
    """The comparison above does not look at them."""
    sqlite = "SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql LIKE '% WHERE %'"
    postgres = "SELECT indexname, indexdef FROM pg_indexes WHERE indexdef LIKE '% WHERE %'"
    engines = connect(database_url)
    with engines.reader.connect() as connection:
        query = sqlite if database_url.startswith("sqlite") else postgres
        found = {name for name, _ in connection.execute(text(query))}
    engines.dispose()
    wanted = {
        i.name
        for t in metadata.tables.values()
        for i in t.indexes
        if i.dialect_options["sqlite"].get("where") is not None
    }
    assert found >= wanted
    assert len(wanted) == 8


def test_upgrading_twice_changes_nothing(empty_database_url: str) -> None:
    assert upgrade(empty_database_url) == upgrade(empty_database_url) == newest_version()
    store = Store(empty_database_url)
    store.check_schema()
    with store.writing() as unit:
        add(unit, a_case())
    store.upgrade()
    with store.reading() as reader:
        assert reader.case(a_case().id) == a_case()
    store.close()


def test_two_processes_may_start_at_once(empty_database_url: str) -> None:
    assert in_processes(upgrade, [empty_database_url] * 2) == [newest_version()] * 2


def test_two_threads_may_start_at_once(empty_database_url: str) -> None:
    with ThreadPoolExecutor(4) as pool:
        versions = list(pool.map(upgrade, [empty_database_url] * 4))
    assert versions == [newest_version()] * 4


def test_a_database_of_a_later_release_is_refused(database_url: str) -> None:
    store = Store(database_url)
    engines = connect(database_url)
    with engines.writer.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    engines.dispose()
    for step in (store.upgrade, store.check_schema):
        with pytest.raises(SchemaTooNew, match=r"schema 9999.*Run the release that wrote it"):
            step()
    assert store.schema_version() == "9999"
    store.close()


def test_an_empty_database_is_too_old_until_upgraded(empty_database_url: str) -> None:
    store = Store(empty_database_url)
    assert store.schema_version() is None
    with pytest.raises(SchemaTooOld, match=r"no tables yet.*countersign db upgrade"):
        store.check_schema()
    store.upgrade()
    store.check_schema()
    store.close()


def test_sqlite_is_opened_for_safety(tmp_path: Path) -> None:
    engines = connect(f"sqlite:///{tmp_path / 'a.db'}")
    with engines.writer.connect() as connection:
        found = {
            p: connection.execute(text(f"PRAGMA {p}")).scalar() for p in ("journal_mode", "synchronous", "foreign_keys")
        }
        assert connection.execute(text("PRAGMA busy_timeout")).scalar_one() >= 5000
    assert found == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}
    engines.dispose()


def test_a_reader_cannot_write(database_url: str) -> None:
    engines = connect(database_url)
    with engines.reader.connect() as connection, pytest.raises(Exception, match=r"readonly|read-only"):
        connection.execute(text("DELETE FROM timers"))
    engines.dispose()


def test_a_path_with_odd_characters_works(tmp_path: Path) -> None:
    folder = tmp_path / "100% sure & ünï"
    folder.mkdir()
    assert upgrade(f"sqlite:///{folder / 'c.db'}") == newest_version()
    assert (folder / "c.db").stat().st_size > 0


@pytest.mark.parametrize("url", ["", "countersign.db", "mysql://u@h/d", "sqlite://", "sqlite:///:memory:"])
def test_an_address_that_cannot_work_is_refused(url: str) -> None:
    with pytest.raises(BadDatabaseUrl, match="DATABASE_URL"):
        Store(url)
