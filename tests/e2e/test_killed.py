"""`kill -9` straight after Slack heard "yes": the decision stands and the reply goes out, never twice (DE3, DL2)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.e2e.running import Process, leases_over, policy_with
from tests.e2e.town import AGENTS, BILLING, CALM, DRAFT, MORE_BILLING, Town, high_body, low_body, wait_for


class Site:
    """One installation, started, killed and started again."""

    def __init__(self, town: Town, database_url: str, directory: Path) -> None:
        self.town = town
        self.database_url = database_url
        self.directory = directory
        policy = policy_with(directory, "risk.yaml", "send_delay: 5s", "send_delay: 1s")
        self.environment = town.environment(database_url, COUNTERSIGN_POLICY_DIR=str(policy))
        self.process = self._start()

    def _start(self) -> Process:
        return Process(self.town, self.directory, self.environment)

    def kill(self) -> None:
        self.process.kill()

    def restart(self, *, a_minute_later: bool = False) -> None:
        if a_minute_later:
            leases_over(self.database_url)
        self.process = self._start()


@pytest.fixture
def site(sqlite_url: str, tmp_path: Path) -> Iterator[Site]:
    town = Town(stall_seconds=60.0)
    site = Site(town, sqlite_url, tmp_path)
    yield site
    site.kill()
    town.close()


def test_killed_within_the_send_delay_the_reply_goes_out_after_the_restart(site: Site) -> None:
    town = site.town
    case_id = town.submit(low_body(town.ticket()))
    town.approve(AGENTS[0], case_id)
    site.kill()
    assert town.replies(case_id) == []

    site.restart()
    case = town.reaches(case_id, "sent")
    assert (case["approval"]["outcome"], case["approval"]["by"]) == ("approved", AGENTS[0])
    assert [d.text for d in town.replies(case_id)] == [DRAFT]
    assert len(town.events(case_id, "Approved")) == 1
    assert town.repeats(case_id) == []


def test_killed_at_once_after_the_last_signature_nothing_is_lost_and_nothing_is_sent_twice(site: Site) -> None:
    town = site.town
    case_id = _signed_off(town)
    site.kill()

    site.restart(a_minute_later=True)
    state = town.reaches(case_id, "sent", "indeterminate")["state"]
    assert len(town.events(case_id, "SignedOff")) == 1
    if state == "indeterminate":  # it was on its way: a person looks, and says what is there
        arrived = bool(town.replies(case_id))
        town.approve(MORE_BILLING, case_id, "cs:settle_sent" if arrived else "cs:settle_resend")
        town.reaches(case_id, "sent")
    assert [d.text for d in town.replies(case_id)] == [CALM]
    assert town.repeats(case_id) == []


def test_killed_while_the_helpdesk_has_the_reply_it_is_not_sent_again(site: Site) -> None:
    town = site.town
    town.faults.set("helpdesk_timeout_after", 1)
    case_id = _signed_off(town)
    wait_for(lambda: town.replies(case_id), "the helpdesk to take the reply")
    site.kill()

    site.restart(a_minute_later=True)
    case = town.reaches(case_id, "indeterminate")
    assert case["approval"]["outcome"]
    assert town.repeats(case_id) == []
    town.approve(MORE_BILLING, case_id, "cs:settle_sent")
    town.reaches(case_id, "sent")
    assert [d.text for d in town.replies(case_id)] == [CALM]
    assert town.repeats(case_id) == []


def _signed_off(town: Town) -> str:
    case_id = town.submit(high_body(town.ticket()))
    town.approve(BILLING, case_id)
    town.approve(MORE_BILLING, case_id, "cs:signoff")
    return case_id
