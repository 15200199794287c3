"""Fixtures of the edges' tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from db.store import Store
from tests.edges.api import Api, an_api


@pytest.fixture
def api(sqlite_url: str) -> Iterator[Api]:
    store = Store(sqlite_url)
    with an_api(store) as api:
        yield api
    store.close()
