"""Every state × command cell, walked: what is not accepted is refused with a sentence, and no command lacks a row."""

from __future__ import annotations

from typing import get_args

import msgspec
import pytest

from app.core.case import FINAL_STATES, STATES, Case, Signals, State, Verdict
from app.core.effects import Click, Outcome
from app.core.errors import Refused
from app.core.machine import ACCEPTED, decide
from app.core.messages import (
    AddCustomerMessage,
    AddNote,
    AnyCommand,
    ApplyPause,
    Approve,
    ClaimCase,
    Command,
    Decline,
    Delivered,
    Drafted,
    Edit,
    FireTimer,
    GaveUp,
    HandOver,
    HeldAtGate,
    ModelFailed,
    OverrideGuardrail,
    PacketShown,
    Parked,
    Reassess,
    ReceiveCase,
    RecordView,
    RedriveDelivery,
    Reject,
    ReleaseCase,
    Reopen,
    RepairPacket,
    ReportActionResult,
    RoleResolved,
    RoleUnresolved,
    SettleDelivery,
    SignOff,
    SubmitDraft,
    Supersede,
    SurfaceLost,
    Understood,
    Undo,
    UnfoldPacket,
    Withdraw,
    WithdrawByPerson,
    WriteReply,
)
from app.core.world import Crowd, World
from tests.make import NOW, a_customer, a_draft, a_message, a_ticket
from tests.scenes import SHIPPED, a_world, approval_of, received

CROWDED = {"support-review": Crowd(low=99)}
COMMANDS = get_args(AnyCommand)


def case_in(state: State) -> Case:
    """A case of the shipped policy, put into a state as the machine would leave it."""
    if state == "awaiting_signoff":
        return received("refund", written_by="UAGENT1")
    case = received("shipping", world=a_world(crowds=CROWDED))
    decided = Verdict(
        outcome="approved", by="UAGENT1", role="support_agent", at=NOW, resolution_code="answered", next_action="none"
    )
    changes: dict[str, object] = {"state": state}
    if state in ("approved", "sending", "sent", "failed", "indeterminate", *FINAL_STATES):
        changes |= {"verdict": decided, "approvals": (approval_of(case, "UAGENT1"),), "stage": 1}
    if state in FINAL_STATES:
        changes["timers"] = ()
    if state in ("sending", "failed", "indeterminate"):
        changes["pending_reply"] = f"{case.id}-9"
    return msgspec.structs.replace(case, **changes)


def command_for(kind: type[Command], case: Case) -> AnyCommand:
    click = {"case_id": case.id, "user": "UBILL1" if case.state == "awaiting_signoff" else "UAGENT2"}
    seen = click | {"seen": case.request_hash}
    receipt = {"case_id": case.id, "delivery": f"{case.id}-1"}
    timer = case.timers[0].key if case.timers else "rung:none"
    made: dict[type[Command], AnyCommand] = {
        ReceiveCase: ReceiveCase(
            case_id=case.id, by="api:t", ticket=a_ticket(), customer=a_customer(), messages=(a_message(),)
        ),
        AddCustomerMessage: AddCustomerMessage(case_id=case.id, by="api:t", message=a_message(), new_case_id="c_new"),
        Supersede: Supersede(case_id=case.id, by="api:t", successor="c_new", reason="newer"),
        SubmitDraft: SubmitDraft(case_id=case.id, by="api:t", draft=a_draft()),
        Withdraw: Withdraw(case_id=case.id, by="api:t", answered_elsewhere=True),
        RedriveDelivery: RedriveDelivery(**receipt, by="system:cli"),
        ReportActionResult: ReportActionResult(case_id=case.id, by="api:t", status="succeeded"),
        Approve: Approve(**seen),
        Edit: Edit(**seen, text="We looked into it and will write again tomorrow."),
        WriteReply: WriteReply(**seen, text="We looked into it and will write again tomorrow."),
        Reject: Reject(**seen, category="wrong_facts", text="No.", then="hand_back"),
        OverrideGuardrail: OverrideGuardrail(**seen, reason="The money went out yesterday."),
        SignOff: SignOff(**seen),
        Decline: Decline(**seen, reason="Wrong amount."),
        Undo: Undo(**(seen | {"user": "UAGENT1"})),
        ClaimCase: ClaimCase(**click),
        ReleaseCase: ReleaseCase(**click),
        Reopen: Reopen(**seen),
        Reassess: Reassess(**seen, intent="legal_question"),
        WithdrawByPerson: WithdrawByPerson(**(click | {"user": "ULEAD1"}), reason="Sent twice."),
        RecordView: RecordView(**seen, what="history"),
        AddNote: AddNote(**click, text="Called the carrier.", click=Click(channel="C1", ts="1.1")),
        UnfoldPacket: UnfoldPacket(**click, packet="p1"),
        SettleDelivery: SettleDelivery(**click, delivery=f"{case.id}-9", arrived=True),
        ApplyPause: ApplyPause(case_id=case.id, by="slack:ULEAD1", reason="Wrong prices."),
        RepairPacket: RepairPacket(case_id=case.id, by="system:reconciler", packet="p1", ts="", found="no_channel"),
        HandOver: HandOver(case_id=case.id, by="slack:UAGENT1", of="UAGENT1", to="UAGENT2", until=NOW),
        FireTimer: FireTimer(case_id=case.id, key=timer),
        PacketShown: PacketShown(**receipt, packet="p1", channel_id="C1", ts="1.1", digest="d"),
        Delivered: Delivered(**receipt),
        Understood: Understood(**receipt, model="m", signals=Signals()),
        Drafted: Drafted(**receipt, draft=a_draft()),
        ModelFailed: ModelFailed(**receipt, error="refused"),
        RoleResolved: RoleResolved(**receipt, role="support_lead", users=("ULEAD1",), source="file"),
        RoleUnresolved: RoleUnresolved(**receipt, role="support_lead", error="gone"),
        GaveUp: GaveUp(**receipt, error="gone"),
        SurfaceLost: SurfaceLost(
            **receipt, packet="p1", channel="support-review", ts="", lost="channel", error="is_archived"
        ),
        Parked: Parked(**receipt, error="time-out", look_at="the ticket"),
        HeldAtGate: HeldAtGate(**receipt, reason="changed"),
    }
    return made[kind]


def test_every_command_has_a_row() -> None:
    assert set(ACCEPTED) == set(COMMANDS)


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", COMMANDS, ids=lambda k: k.__name__)
def test_every_cell(state: State, kind: type[Command]) -> None:
    case = case_in(state)
    command = command_for(kind, case)
    late = case.timers[0].due_at if isinstance(command, FireTimer) and case.timers else NOW
    world = a_world(now=late)
    if state in ACCEPTED[kind]:
        outcome, code = attempt(case, command, world)
        if outcome is None:
            # refused for the case at hand, never for its state
            assert code in ("no_action", "stale_timer", "unchanged", "not_blocked", "not_claimed", "not_folded")
            return
        assert outcome.case.version == case.version + 1
        assert outcome.events
        return
    with pytest.raises(Refused) as refused:
        decide(case, command, world)
    assert refused.value.code
    assert refused.value.sentence.endswith((".", '"'))


def attempt(case: Case, command: AnyCommand, world: World) -> tuple[Outcome | None, str]:
    try:
        return decide(case, command, world), ""
    except Refused as refusal:
        return None, refusal.code


def test_final_cases_arm_no_timer() -> None:
    for state in FINAL_STATES:
        assert case_in(state).timers == ()


def test_shipped_policy_is_the_one_under_test() -> None:
    assert received("shipping").policy_snapshot == SHIPPED.snapshot
