"""The one row about the whole workspace."""

from __future__ import annotations

import msgspec
from sqlalchemy import Connection, bindparam, select, text

from app.core.office import Office
from db.errors import VersionConflict
from db.tables import office

_READ = select(office.c.document)
# The same on both databases; another version in between leaves the row as it is.
_WRITE = text(
    "INSERT INTO office (id, version, document) VALUES (1, :version, :document)"
    " ON CONFLICT (id) DO UPDATE SET version = :version, document = :document WHERE office.version = :was"
).bindparams(bindparam("version"), bindparam("document"), bindparam("was"))
_decode = msgspec.json.Decoder(Office).decode


class OfficeReads:
    _connection: Connection

    def office(self) -> Office:
        """As it stands; an empty one before the first policy was loaded."""
        document = self._connection.execute(_READ).scalar()
        return Office() if document is None else _decode(document)


class OfficeWrites(OfficeReads):
    def _write_office(self, before: Office, after: Office) -> None:
        row = {"version": after.version, "document": msgspec.json.encode(after).decode(), "was": before.version}
        if self._connection.execute(_WRITE, row).rowcount != 1:
            raise VersionConflict(f"The office is not at version {before.version} any more.")
