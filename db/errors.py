"""What the database can refuse.

StoreError
├── BadDatabaseUrl    an address that is neither a SQLite file nor PostgreSQL
├── SchemaMismatch
│   ├── SchemaTooNew  written by a later release
│   └── SchemaTooOld  not upgraded yet
├── VersionConflict   the case changed since it was read
├── TicketTaken       the ticket has another open case
├── UnknownDelivery   no delivery has this id
└── Unstorable        text that no database column can hold
"""

from __future__ import annotations

from app.core.errors import CountersignError


class StoreError(CountersignError):
    """Base of what the database refuses."""


class BadDatabaseUrl(StoreError, ValueError):
    """An address that is neither a SQLite file nor PostgreSQL."""


class SchemaMismatch(StoreError):
    """The tables are not those of this release; the message says what to do."""


class SchemaTooNew(SchemaMismatch):
    """Written by a later release."""


class SchemaTooOld(SchemaMismatch):
    """Not upgraded yet."""


class VersionConflict(StoreError):
    """The case changed since it was read: whoever decided looked at an old one."""


class TicketTaken(StoreError):
    """The ticket has another open case, which must be superseded first."""


class UnknownDelivery(StoreError, LookupError):
    """No delivery has this id."""


class Unstorable(StoreError, ValueError):
    """Text that no database column can hold; the message names the field."""
