"""One town and one office a module: tests work on cases of their own and leave no fault behind."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.running import Office
from tests.e2e.town import Town


@pytest.fixture(scope="module")
def shared_town() -> Iterator[Town]:
    town = Town(stall_seconds=30.0, trigger_lifetime=60.0)
    yield town
    town.close()


@pytest.fixture(scope="module")
def office(shared_town: Town, sqlite_template: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    """The service in this process on a SQLite file."""
    path = tmp_path_factory.mktemp("office") / "countersign.db"
    shutil.copyfile(sqlite_template, path)
    office = Office(shared_town, f"sqlite:///{path}")
    yield office
    office.stop()


@pytest.fixture
def town(shared_town: Town) -> Iterator[Town]:
    shared_town.mend()
    yield shared_town
    shared_town.mend()
