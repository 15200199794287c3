"""A guardrail that is wrong about a text: lifted by two people of the role policy names, for that text alone (GU3)."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from app.core.case import Case, Submitter
from app.core.errors import Refused
from app.core.machine import decide
from app.core.messages import Approve, Edit, OverrideGuardrail, SubmitDraft
from tests.make import a_draft
from tests.scenes import a_world, after, receive, received

REFUND = "We have issued a refund of 240 EUR to your card."
ADVICE = "You should stop taking the tablets and take ibuprofen."
WHY = "Finance confirmed the payment on the phone."


def blocked_case(text: str = REFUND, **changes: object) -> Case:
    """A person's draft, so that high tier leaves it sendable."""
    case = receive(draft=a_draft(text, author="human"), **changes).case
    assert case.blocking
    return case


def said(case: Case, user: str, reason: str = WHY, seen: str = "") -> OverrideGuardrail:
    return OverrideGuardrail(case_id=case.id, user=user, seen=seen or case.request_hash, reason=reason)


def refusal(case: Case, *commands: object) -> str:
    with pytest.raises(Refused) as refused:
        after(case, *commands)  # type: ignore[arg-type]
    return refused.value.code


def test_two_people_lift_it_and_then_it_can_be_approved() -> None:
    case = blocked_case()
    approve = Approve(case_id=case.id, user="UAGENT1", seen=case.request_hash, checklist=case.assessed.checklist)
    assert refusal(case, approve) == "blocked"
    once = after(case, said(case, "UBILL1"))
    assert once.blocking
    assert refusal(once, approve) == "blocked"
    twice = after(once, said(case, "UBILL2"))
    assert not twice.blocking
    assert after(twice, approve).approvals[0].user == "UAGENT1"


def test_overriding_approves_nothing_itself() -> None:
    case = blocked_case()
    lifted = after(case, said(case, "UBILL1"), said(case, "UBILL2"))
    assert (lifted.state, lifted.approvals, lifted.verdict) == ("pending", (), None)
    assert [n.kind for n in lifted.notes] == ["override", "override"]


def test_the_log_says_who_lifted_what_and_why() -> None:
    case = blocked_case()
    outcome = decide(after(case, said(case, "UBILL1")), said(case, "UBILL2"), a_world())
    event = outcome.events[0]
    assert (event.type, event.actor, event.reason) == ("GuardrailOverridden", "slack:UBILL2", WHY)
    assert event.data["lifted"] == sorted({f.rule_id for f in case.blocking})
    assert event.request_hash == case.request_hash


@pytest.mark.parametrize("user", ["UAGENT1", "ULEAD1", "ULEGAL1", "UGUEST", "UBOT", "UNOBODY"])
def test_only_the_role_policy_names(user: str) -> None:
    case = blocked_case()
    assert refusal(case, said(case, user)) in ("not_in_role", "not_allowed")


def test_who_may_not_reads_whom_to_ask() -> None:
    case = blocked_case()
    with pytest.raises(Refused, match="takes someone from @billing-approvers; you are not in it"):
        decide(case, said(case, "UAGENT1"), a_world())


def test_one_person_is_one_word_whatever_account_they_use() -> None:
    case = blocked_case()
    once = after(case, said(case, "UBILL1"))
    assert refusal(once, said(case, "UBILL1")) == "already_signed"


def test_a_reason_is_needed() -> None:
    case = blocked_case()
    assert refusal(case, said(case, "UBILL1", "  ")) == "reason_missing"


def test_it_holds_for_this_text_only() -> None:
    case = blocked_case()
    lifted = after(case, said(case, "UBILL1"), said(case, "UBILL2"))
    other = SubmitDraft(case_id=case.id, by="api:x", draft=a_draft(REFUND + " Sorry again.", author="human"))
    changed = after(lifted, other)
    assert changed.blocking
    assert refusal(changed, said(changed, "UBILL1", seen=case.request_hash)) == "draft_changed"


def test_what_policy_lets_nobody_override_stays() -> None:
    case = blocked_case(ADVICE)
    assert any(f.overridable_by is None for f in case.blocking)
    assert refusal(case, said(case, "ULEGAL1")) == "not_overridable"


def test_nobody_overrides_for_their_own_submission() -> None:
    case = blocked_case(submitted_by=Submitter(slack_user="UBILL1"))
    assert refusal(case, said(case, "UBILL1")) == "own_submission"


def test_there_must_be_something_to_override() -> None:
    assert refusal(received(), said(received(), "UBILL1")) == "not_blocked"
    withheld = receive("refund", draft=a_draft(REFUND)).case
    assert refusal(withheld, said(withheld, "UBILL1")) == "no_draft"


def test_a_persons_own_edit_is_still_refused_at_the_field() -> None:
    case = blocked_case()
    lifted = after(case, said(case, "UBILL1"), said(case, "UBILL2"))
    edit = Edit(case_id=case.id, user="UAGENT1", seen=case.request_hash, text=REFUND + " Promised.")
    assert refusal(lifted, replace(edit, checklist=case.assessed.checklist)) == "guardrail"
