"""SIGTERM: takes no more work, finishes what is in hand, exits 0 within 15 s (OP4)."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import httpx

from tests.e2e.running import Process, in_database
from tests.e2e.town import API_SECRET, BILLING, CALM, MORE_BILLING, Town, high_body, low_body, wait_for


def test_sigterm_ends_it_well_with_work_in_hand(sqlite_url: str, tmp_path: Path) -> None:
    """A long poll is open, and the helpdesk has taken a reply and says nothing."""
    town = Town(stall_seconds=60.0)
    try:
        process = Process(town, tmp_path, town.environment(sqlite_url))
        polled = _long_poll(process.url, town.submit(low_body(town.ticket())))
        case_id = _reply_hanging_at_the_helpdesk(town)
        assert process.terminate(within=15) == 0, process.errors
        polled.join(5)
        assert not polled.is_alive()
        assert "Traceback" not in process.errors
        # the answer was waited for, and what became of it is known
        assert len(town.replies(case_id)) == 1
        ((state,),) = in_database(sqlite_url, "SELECT state FROM cases WHERE id = :id", id=case_id)
        assert state == "indeterminate"
        (claimed,) = in_database(sqlite_url, "SELECT count(*) FROM outbox WHERE status = 'claimed'")
        assert claimed == (0,), "nothing is left in nobody's hands"
        (checkpoint,) = in_database(sqlite_url, "SELECT max(size) FROM checkpoints")
        (events,) = in_database(sqlite_url, "SELECT count(*) FROM events")
        assert checkpoint == events, "the end of the log is signed"
    finally:
        town.close()


def _long_poll(url: str, case_id: str) -> threading.Thread:
    """Somebody waits for a decision that does not come; whatever answer they get ends it."""

    def poll() -> None:
        try:
            headers = {"authorization": f"Bearer {API_SECRET}"}
            answer = httpx.get(f"{url}/v1/cases/{case_id}?wait=60", headers=headers, timeout=70, trust_env=False)
            answers.append(answer.status_code)
        except httpx.HTTPError as error:
            answers.append(repr(error))

    answers: list[object] = []
    thread = threading.Thread(target=poll, daemon=True)
    thread.start()
    time.sleep(0.3)  # so that it is open
    assert answers == []
    return thread


def _reply_hanging_at_the_helpdesk(town: Town) -> str:
    case_id = town.submit(high_body(town.ticket()))
    town.approve(BILLING, case_id)
    town.faults.set("helpdesk_timeout_after", 1)
    town.approve(MORE_BILLING, case_id, "cs:signoff")
    wait_for(lambda: [d.text for d in town.replies(case_id)] == [CALM], "the helpdesk to take the reply")
    return case_id
