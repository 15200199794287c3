"""`countersign audit verify` in a process of its own, over a log that somebody touched (AU2)."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.e2e.running import Office, countersign, in_database
from tests.e2e.town import AGENTS, BILLING, MORE_BILLING, OUTSIDER, Town, high_body, low_body


@pytest.fixture
def busy_log(database_url: str) -> str:
    """A database after several people decided several cases."""
    town = Town()
    try:
        office = Office(town, database_url)
        low, high, waiting = (town.submit(b(town.ticket())) for b in (low_body, high_body, low_body))
        packet = town.message_with(low, "cs:approve")
        for user in (OUTSIDER, AGENTS[0], AGENTS[1]):
            town.click(user, packet, "cs:approve")
        town.approve(BILLING, high)
        town.approve(MORE_BILLING, high, "cs:signoff")
        office.send_delay_over()
        for case_id in (low, high):
            town.reaches(case_id, "sent")
        assert town.case(waiting)["state"] == "pending"
        office.stop()
    finally:
        town.close()
    return database_url


def test_one_changed_byte_is_named(busy_log: str, tmp_path: Path) -> None:
    environment = {"DATABASE_URL": busy_log, "COUNTERSIGN_SIGNING_KEY": "5e" * 32}
    (events,) = in_database(busy_log, "SELECT count(*) FROM events")[0]
    assert isinstance(events, int)
    assert events > 30

    untouched = countersign("audit", "verify", environment=environment, directory=tmp_path)
    assert untouched.returncode == 0, untouched.stderr
    assert f"{events} events" in untouched.stdout

    seq, payload = in_database(busy_log, "SELECT seq, payload FROM events WHERE type = 'Approved' ORDER BY seq")[0]
    forged = str(payload).replace(AGENTS[0], AGENTS[5]).replace('"draft_version":1', '"draft_version":2')
    assert sum(a != b for a, b in zip(forged, str(payload), strict=True)) == 1, payload
    in_database(busy_log, "UPDATE events SET payload = :payload WHERE seq = :seq", payload=forged, seq=seq)

    touched = countersign("audit", "verify", environment=environment, directory=tmp_path)
    assert touched.returncode == 1, touched.stdout
    assert f"Event {seq} " in touched.stderr, touched.stderr
