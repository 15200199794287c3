"""Fixtures of every test directory."""

from tests.databases import (
    database_url,
    empty_database_url,
    postgres_cluster,
    postgres_url,
    sqlite_template,
    sqlite_url,
    store,
)

__all__ = [
    "database_url",
    "empty_database_url",
    "postgres_cluster",
    "postgres_url",
    "sqlite_template",
    "sqlite_url",
    "store",
]
