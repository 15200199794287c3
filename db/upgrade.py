"""The schema's version, and bringing it up to date."""

from __future__ import annotations

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from db.errors import SchemaTooNew, SchemaTooOld

_MIGRATIONS = Path(__file__).parent / "migrations"


def newest_version() -> str:
    """The schema that this release is written for."""
    head = _scripts().get_current_head()
    if head is None:
        raise RuntimeError(f"no migrations in {_MIGRATIONS}")
    return head


def version_of(connection: Connection) -> str | None:
    """None for a database without our tables."""
    return MigrationContext.configure(connection).get_current_revision()


def check(connection: Connection) -> None:
    """Raises SchemaTooNew or SchemaTooOld."""
    found = _known(version_of(connection))
    if found != newest_version():
        have = f"is at schema {found}" if found else "has no tables yet"
        raise SchemaTooOld(
            f"The database {have}, this release needs {newest_version()}. "
            "Back it up, then run `countersign db upgrade`."
        )


def upgrade(connection: Connection) -> None:
    """Within the transaction of `connection`, which holds the write lock: all or nothing, one process at a time."""
    _known(version_of(connection))
    config = _config()
    config.attributes["connection"] = connection
    command.upgrade(config, "head")


def _known(version: str | None) -> str | None:
    if version is not None and version not in {script.revision for script in _scripts().walk_revisions()}:
        raise SchemaTooNew(
            f"The database is at schema {version}, which this release does not know (its newest is "
            f"{newest_version()}). Run the release that wrote it, or a later one, or restore a backup from before."
        )
    return version


def _config() -> Config:
    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config


def _scripts() -> ScriptDirectory:
    return ScriptDirectory.from_config(_config())
