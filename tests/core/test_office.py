"""Who puts a changed policy in force: its owners and a second person, never the files alone (RI9)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from app.core.errors import Refused
from app.core.office import (
    DecidePolicy,
    LoadPolicy,
    Office,
    OfficeWorld,
    PauseAi,
    ResumeAi,
    decide_office,
    still_missing,
)
from tests.make import NOW, a_person, people

OWNERS = {"risk": "support_ops_owner", "guardrails": "policy_owner", "crm": "crm_owner", "roles": "support_ops_owner"}
WORLD = OfficeWorld(now=NOW, people=people(), owners=OWNERS)
FIRST, SECOND = "1" * 64, "2" * 64


def load(office: Office, snapshot: str = SECOND, *files: str, world: OfficeWorld = WORLD) -> Office:
    return decide_office(office, LoadPolicy(by="system:policy-files", snapshot=snapshot, files=files), world).office


def decide(office: Office, user: str, do: str = "sign", snapshot: str = SECOND, **more: object) -> Office:
    command = DecidePolicy(user=user, snapshot=snapshot, do=do, **more)  # type: ignore[arg-type]
    return decide_office(office, command, WORLD).office


def refusal(office: Office, user: str, do: str = "sign", snapshot: str = SECOND, **more: object) -> str:
    with pytest.raises(Refused) as refused:
        decide(office, user, do, snapshot, **more)
    assert refused.value.sentence.endswith(".")
    return refused.value.code


RUNNING = load(Office(), FIRST)
OFFERED = load(RUNNING, SECOND, "risk.yaml")


def test_the_first_policy_is_in_force_at_once() -> None:
    outcome = decide_office(Office(), LoadPolicy(by="system:policy-files", snapshot=FIRST), WORLD)
    assert (outcome.office.active, outcome.office.candidate, outcome.office.version) == (FIRST, None, 1)
    assert [(e.type, e.policy_snapshot) for e in outcome.events] == [("PolicyActivated", FIRST)]


def test_a_changed_one_waits_and_the_old_one_stays() -> None:
    assert OFFERED.active == FIRST
    assert OFFERED.candidate is not None
    assert (OFFERED.candidate.snapshot, OFFERED.candidate.files) == (SECOND, ("risk.yaml",))


def test_only_the_policy_in_force_can_open_the_unsafe_door() -> None:
    assert load(RUNNING, SECOND, "risk.yaml", world=replace(WORLD, autoload=True)).active == SECOND


def test_its_owner_and_one_other_person_sign() -> None:
    once = decide(OFFERED, "UOPS1")
    assert once.active == FIRST
    assert once.candidate is not None
    assert still_missing(once.candidate, WORLD) == ("a second person",)
    twice = decide(once, "UPOL1")
    assert (twice.active, twice.previous, twice.candidate) == (SECOND, FIRST, None)


def test_two_people_who_do_not_own_the_file_are_not_enough() -> None:
    signed = decide(decide(OFFERED, "UPOL1"), "UCRM1")
    assert signed.active == FIRST
    assert signed.candidate is not None
    assert still_missing(signed.candidate, WORLD) == ("support_ops_owner",)
    assert decide(signed, "UOPS1").active == SECOND


def test_every_changed_files_owner_signs() -> None:
    both = load(RUNNING, SECOND, "risk.yaml", "guardrails.yaml", "intents.yaml")
    assert both.candidate is not None
    assert still_missing(both.candidate, WORLD) == ("support_ops_owner", "policy_owner")
    assert decide(decide(both, "UOPS1"), "UCRM1").active == FIRST
    assert decide(decide(both, "UOPS1"), "UPOL1").active == SECOND


def test_nobody_signs_twice_not_by_another_account_either() -> None:
    once = decide(OFFERED, "UOPS1")
    assert refusal(once, "UOPS1") == "already_signed"
    twin = a_person("UOPS1B", email=WORLD.people.find("UOPS1").email.upper())
    members = {"support_ops_owner": ("UOPS1", "UOPS1B")}
    world = replace(WORLD, people=people(members, twin))
    with pytest.raises(Refused) as refused:
        decide_office(once, DecidePolicy(user="UOPS1B", snapshot=SECOND, do="sign"), world)
    assert refused.value.code == "already_signed"


@pytest.mark.parametrize("stranger", ["UAGENT1", "ULEAD1", "UGUEST", "UBOT", "UNOBODY"])
@pytest.mark.parametrize("do", ["sign", "reject"])
def test_nobody_else_decides(stranger: str, do: str) -> None:
    assert refusal(OFFERED, stranger, do, reason="no") == "not_in_role"


def test_a_signature_binds_to_the_content_that_was_shown() -> None:
    third = load(decide(OFFERED, "UOPS1"), "3" * 64, "risk.yaml")
    assert third.candidate is not None
    assert third.candidate.signatures == ()
    assert refusal(third, "UPOL1", snapshot=SECOND) == "policy_changed"


def test_a_rejected_one_is_not_offered_again_until_it_changes() -> None:
    assert refusal(OFFERED, "UPOL1", "reject") == "reason_missing"
    rejected = decide(OFFERED, "UPOL1", "reject", reason="Thresholds are upside down.")
    assert (rejected.active, rejected.candidate) == (FIRST, None)
    with pytest.raises(Refused) as refused:
        load(rejected, SECOND, "risk.yaml")
    assert refused.value.code == "rejected"
    assert load(rejected, "3" * 64, "risk.yaml").candidate is not None


def test_a_change_taken_back_takes_the_offer_back() -> None:
    back = load(decide(OFFERED, "UOPS1"), FIRST)
    assert (back.active, back.candidate) == (FIRST, None)
    with pytest.raises(Refused) as refused:
        load(back, FIRST)
    assert refused.value.code == "unchanged"


def test_one_step_back_and_no_further() -> None:
    now = decide(decide(OFFERED, "UOPS1"), "UPOL1")
    assert refusal(now, "UPOL1", "roll_back") == "reason_missing"
    back = decide(now, "UPOL1", "roll_back", reason="Refunds pile up.")
    assert (back.active, back.previous, back.rejected) == (FIRST, "", SECOND)
    assert refusal(back, "UPOL1", "roll_back", FIRST, reason="again") == "no_previous"
    assert refusal(now, "UPOL1", "roll_back", FIRST, reason="stale button") == "no_previous"


# --- the switch for AI text ------------------------------------------------------------------------------------------

SWITCH = replace(
    WORLD,
    leads=frozenset({"support_lead"}),
    queues=frozenset({"support-review", "billing-approvals"}),
    careful=frozenset({"billing-approvals"}),
)


def switch(office: Office, command: PauseAi | ResumeAi) -> Office:
    return decide_office(office, command, SWITCH).office


def switch_refusal(office: Office, command: PauseAi | ResumeAi) -> str:
    with pytest.raises(Refused) as refused:
        switch(office, command)
    assert refused.value.sentence.endswith(".")
    return refused.value.code


def paused(queue: str = "support-review", user: str = "ULEAD1") -> Office:
    return switch(RUNNING, PauseAi(user=user, queue=queue, reason="It quotes wrong prices."))


@pytest.mark.parametrize("user", ["ULEAD1", "UOPS1", "UPOL1", "UCRM1"])
def test_leads_and_owners_stop_ai_text_with_a_reason(user: str) -> None:
    command = PauseAi(user=user, queue="support-review", reason=" It quotes wrong prices. ")
    outcome = decide_office(RUNNING, command, SWITCH)
    assert outcome.office.paused_queues == {"support-review"}
    assert [(e.type, e.actor, e.reason) for e in outcome.events] == [
        ("AiTextPaused", f"slack:{user}", "It quotes wrong prices.")
    ]


@pytest.mark.parametrize("user", ["UAGENT1", "UBILL1", "UGUEST", "UNOBODY"])
def test_nobody_else_throws_the_switch(user: str) -> None:
    assert switch_refusal(RUNNING, PauseAi(user=user, queue="", reason="no")) == "not_in_role"
    assert switch_refusal(paused(), ResumeAi(user=user, queue="support-review")) == "not_in_role"


def test_a_pause_needs_a_reason_a_queue_that_exists_and_happens_once() -> None:
    assert switch_refusal(RUNNING, PauseAi(user="ULEAD1", queue="", reason="  ")) == "reason_missing"
    assert switch_refusal(RUNNING, PauseAi(user="ULEAD1", queue="general", reason="x")) == "no_queue"
    assert switch_refusal(paused(), PauseAi(user="ULEAD2", queue="support-review", reason="x")) == "unchanged"
    assert switch_refusal(RUNNING, ResumeAi(user="ULEAD1", queue="support-review")) == "unchanged"


def test_one_person_lets_an_everyday_queue_go_on() -> None:
    assert switch(paused(), ResumeAi(user="ULEAD1", queue="support-review")).pauses == ()


@pytest.mark.parametrize("queue", ["billing-approvals", ""])
def test_a_careful_queue_and_all_at_once_take_two(queue: str) -> None:
    once = switch(paused(queue), ResumeAi(user="ULEAD1", queue=queue))
    assert once.paused_queues == {queue}
    assert switch_refusal(once, ResumeAi(user="ULEAD1", queue=queue)) == "already_signed"
    moved = people(None, a_person("ULEAD1", email="new@countersign.example"))
    with pytest.raises(Refused) as refused:
        decide_office(once, ResumeAi(user="ULEAD1", queue=queue), replace(SWITCH, people=moved))
    assert refused.value.code == "already_signed", "a new address makes nobody a second person"
    assert switch(once, ResumeAi(user="UOPS1", queue=queue)).pauses == ()


def test_pauses_stand_beside_each_other() -> None:
    both = switch(paused(), PauseAi(user="ULEAD2", queue="", reason="Everything."))
    assert both.paused_queues == {"support-review", ""}
    assert switch(both, ResumeAi(user="ULEAD1", queue="support-review")).paused_queues == {""}
