"""`decide`: the one place where a command meets a case. It only switches; the rules live beside it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, assert_never

from msgspec.structs import replace

from app.core import (
    advice,
    astray,
    claiming,
    decisions,
    folding,
    handing,
    overriding,
    pausing,
    reassessing,
    receipts,
    receiving,
    reopening,
    resolving,
    submitting,
    timing,
    withdrawing,
)
from app.core.case import FINAL_STATES, OPEN_STATES, STATES, Case, Note, State
from app.core.change import Change
from app.core.effects import DECISION_EVENTS, Callback, Outcome
from app.core.ending import callback
from app.core.errors import Refused
from app.core.messages import (
    AddCustomerMessage,
    AddNote,
    AnyCommand,
    ApplyPause,
    Approve,
    ByPerson,
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
    Receipt,
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
from app.core.refusing import not_now
from app.core.stages import check_rights, check_sees_pii
from app.core.surfaces import refresh
from app.core.who import people_for, remember
from app.core.world import World

MESSAGES = 200  # of a conversation, the latest
CC = 50  # people in cc, of a case and those it replaced
_ALL = frozenset(STATES)
_ASKED: frozenset[State] = frozenset({"pending", "awaiting_signoff"})
# The state table (CO4): where each command is accepted. Every other cell is a refusal; a test walks them all.
ACCEPTED: Mapping[type[Command], frozenset[State]] = {
    ReceiveCase: frozenset(),  # only where there is no case yet
    AddCustomerMessage: frozenset(),  # becomes Supersede + ReceiveCase before it gets here
    Supersede: OPEN_STATES,
    SubmitDraft: _ASKED | {"blocked", "received"},
    Withdraw: OPEN_STATES,
    RedriveDelivery: _ALL - {"received"},
    ReportActionResult: OPEN_STATES | {"sent"},
    Approve: frozenset({"pending"}),
    Edit: _ASKED,
    WriteReply: _ASKED | {"blocked"},
    Reject: _ASKED | {"blocked"},
    OverrideGuardrail: frozenset({"pending"}),
    SignOff: frozenset({"awaiting_signoff"}),
    Decline: frozenset({"awaiting_signoff"}),
    Undo: frozenset({"approved"}),
    ClaimCase: _ASKED | {"blocked"},
    ReleaseCase: _ASKED | {"blocked"},
    Reopen: frozenset({"expired"}),
    Reassess: _ASKED | {"blocked"},
    WithdrawByPerson: OPEN_STATES - {"received", "sending", "indeterminate"},
    RecordView: _ALL - {"received"},
    AddNote: _ALL - {"received"},
    UnfoldPacket: OPEN_STATES - {"received"},
    SettleDelivery: frozenset({"indeterminate"}),
    ApplyPause: _ASKED | {"blocked"},
    RepairPacket: _ALL - {"received"},
    HandOver: _ASKED | {"blocked"},
    FireTimer: _ALL - FINAL_STATES,
    PacketShown: _ALL,
    Delivered: _ALL,
    Understood: _ALL,
    Drafted: _ALL,
    ModelFailed: _ALL,
    RoleResolved: _ALL,
    RoleUnresolved: _ALL,
    GaveUp: _ALL,
    SurfaceLost: _ALL,
    Parked: _ALL,
    HeldAtGate: _ALL,
}
# Where a case may go from where it is; "" is before there is one. Anything else is a fault of ours and not stored.
_DECIDED: frozenset[State] = frozenset({"approved", "sending", "rejected"})
_ENDED: frozenset[State] = frozenset({"superseded", "withdrawn"})
_BACK: frozenset[State] = frozenset({"pending", "blocked"})
TRANSITIONS: Mapping[State | Literal[""], frozenset[State]] = {
    "": _BACK | {"received", "sending"},
    "received": _BACK | _ENDED | {"sending"},
    "pending": _DECIDED | _ENDED | {"awaiting_signoff", "blocked", "expired"},
    "awaiting_signoff": _DECIDED | _ENDED | _BACK | {"expired"},
    "blocked": _DECIDED | _ENDED | {"awaiting_signoff", "pending", "expired"},
    "approved": _BACK | _ENDED | {"awaiting_signoff", "sending"},
    "sending": _BACK | _ENDED | {"sent", "failed", "indeterminate"},
    "failed": _BACK | _ENDED | {"sending", "sent", "indeterminate"},
    "indeterminate": _ENDED | {"sending", "sent"},
    "expired": _BACK,
    **{state: frozenset() for state in ("sent", "rejected", "superseded", "withdrawn")},
}
# Whoever did one of these does not come back as somebody else.
_TAKES_SIDES = DECISION_EVENTS | {"GuardrailOverridden"}


def decide(case: Case | None, command: AnyCommand, world: World) -> Outcome:
    """What `command` makes of `case`; raises Refused, with nothing changed, where it may not."""
    if isinstance(command, ReceiveCase):
        if case is not None:
            raise Refused("exists", f"There is a case {case.id} already.")
        return _legal("", receiving.receive(command, world).outcome())
    if case is None:
        raise Refused("no_case", f"There is no case {command.case_id}.")
    if case.state not in ACCEPTED[type(command)]:
        raise not_now(case, world)
    world = replace(world, people=people_for(case, world.people))
    change = Change(case, world, _actor(command), getattr(command, "click", None))
    _apply(change, command)
    if isinstance(command, ByPerson) and any(event.type in _TAKES_SIDES for event in change.events):
        sides = (command.user, *(a.instead_of for a in change.case.approvals if a.instead_of))
        keys = frozenset[str]().union(*(world.people.find(user).keys for user in sides))
        change.set(identities=remember(change.case.identities, world.people, keys))
    claiming.wind_up(change)
    folding.wind_up(change)
    if change.case.state != case.state and not any(isinstance(p.effect, Callback) for p in change.effects):
        callback(change, "case.updated")
    return _legal(case.state, change.outcome())


def _legal(before: State | Literal[""], outcome: Outcome) -> Outcome:
    after = outcome.case.state
    if after != before and after not in TRANSITIONS[before]:
        raise AssertionError(f"a case went from {before or 'nowhere'} to {after}")
    return outcome


def _apply(change: Change, command: AnyCommand) -> None:
    match command:
        case Approve():
            decisions.approve(change, command)
        case Edit():
            decisions.edit(change, command)
        case WriteReply():
            decisions.write(change, command)
        case Reject():
            decisions.reject(change, command)
        case OverrideGuardrail():
            overriding.override(change, command)
        case SignOff():
            decisions.sign_off(change, command)
        case Decline():
            decisions.decline(change, command)
        case Undo():
            decisions.undo(change, command)
        case ClaimCase():
            claiming.claim(change, command)
        case ReleaseCase():
            claiming.release(change, command)
        case Reopen():
            reopening.reopen(change, command)
        case Reassess():
            reassessing.reassess(change, command)
        case WithdrawByPerson():
            withdrawing.withdraw(change, command)
        case RecordView():
            _record_view(change, command)
        case AddNote():
            _add_note(change, command)
        case UnfoldPacket():
            folding.open_packet(change, command)
        case SettleDelivery():
            receipts.settle(change, command)
        case SubmitDraft():
            receiving.submit_draft(change, command)
        case Supersede():
            receiving.supersede(change, command)
        case Withdraw():
            receiving.withdraw(change, command)
        case ReportActionResult():
            receiving.report_action_result(change, command)
        case ApplyPause():
            pausing.apply(change, command)
        case RepairPacket():
            astray.repair(change, command)
        case HandOver():
            handing.hand_over(change, command)
        case FireTimer(key=advice.TIMER):
            advice.too_late(change, command)
        case FireTimer() if command.key.startswith("role:"):
            resolving.time_up(change, command)
        case FireTimer():
            timing.fire(change, command)
        case Understood():
            advice.understood(change, command)
        case Drafted():
            advice.drafted(change, command)
        case ModelFailed():
            advice.failed(change, command)
        case RoleResolved():
            resolving.resolved(change, command)
        case RoleUnresolved():
            resolving.unresolved(change, command)
        case RedriveDelivery():
            receipts.redrive(change, command)
        case PacketShown():
            receipts.packet_shown(change, command)
        case Delivered():
            receipts.delivered(change, command)
        case GaveUp():
            receipts.gave_up(change, command)
        case SurfaceLost():
            astray.surface_lost(change, command)
        case Parked():
            receipts.parked(change, command)
        case HeldAtGate():
            receipts.held_at_gate(change, command)
        case ReceiveCase() | AddCustomerMessage():
            raise AssertionError("handled before the state table")
        case _:
            assert_never(command)


def expand(command: AnyCommand, case: Case | None, open_case: Case | None) -> tuple[AnyCommand, ...]:
    """One open case a ticket (IN5): a new case or customer message first supersedes what is open on the ticket.

    `case` is the command's own case, `open_case` the open one on the ticket it is about.
    """
    if isinstance(command, AddCustomerMessage):
        if case is None:
            raise Refused("no_case", f"There is no case {command.case_id}.")
        command = ReceiveCase(
            case_id=command.new_case_id,
            by=command.by,
            ticket=case.ticket,
            customer=case.customer,
            messages=(*case.messages, command.message)[-MESSAGES:],
            signals=command.signals,
            action=case.action,
            context=case.context,
            submitted_by=case.submitted_by,
            cc=case.cc,
            callback_url=case.callback_url,
            callback_key=case.callback_key,
            metadata=case.metadata,
            sentiment_falling=command.sentiment_falling,
            repeated_intent=command.repeated_intent,
        )
    if not isinstance(command, ReceiveCase) or open_case is None or open_case.id == command.case_id:
        return (command,)
    first = Supersede(
        case_id=open_case.id,
        by=command.by,
        successor=command.case_id,
        reason="The customer wrote again." if case is not None else "A newer case came in for this ticket.",
    )
    command = submitting.join(command, open_case)
    told = {"cc": tuple(dict.fromkeys((*open_case.cc, *command.cc)))[:CC], "cc_told": open_case.cc_told}
    said = reassessing.carried(open_case)
    return (first, replace(command, supersedes=open_case.id, messages=command.messages[-MESSAGES:], said=said, **told))


def _actor(command: AnyCommand) -> str:
    match command:
        case FireTimer():
            return "system:timers"
        case _ if isinstance(command, Receipt):
            return "system:dispatch"
        case _ if isinstance(command, ByPerson):
            return f"slack:{command.user}"
        case _:
            return getattr(command, "by", "system:engine")


# What a person could do with the view they open: opening it is refused where doing it would be.
_VIEW_FOR: Mapping[str, type[Command]] = {
    "approve": Approve,
    "edit": Edit,
    "write": WriteReply,
    "reject": Reject,
    "decline": Decline,
    "override": OverrideGuardrail,
    "reassess": Reassess,
    "withdraw": WithdrawByPerson,
}


def _record_view(change: Change, command: RecordView) -> None:
    case, world = change.case, change.world
    leads_to = _VIEW_FOR.get(command.what)
    if leads_to is not None:
        if case.state not in ACCEPTED[leads_to]:
            raise not_now(case, world)
        any_step = command.what in ("edit", "write", "reject")
        match command.what:
            case "override":
                overriding.check(change, command.user)
            case "reassess":
                reassessing.check(change, command.user)
            case "withdraw":
                withdrawing.check(case, command.user, world.people)
            case _:
                check_rights(case, command.user, world.people, world.policy, any_step=any_step)
                claiming.check_free(change, command.user)
        if command.what != "withdraw" and command.seen != case.request_hash:
            raise Refused("draft_changed", "This case changed since; look at the text as it is now.")
        if command.what in ("approve", "edit", "write"):
            decisions.check_on_this_side(change, command.user)
        if command.what == "approve":
            decisions.check_approvable(change, command.user)
    if command.what == "withheld_draft":
        check_rights(case, command.user, world.people, world.policy, any_step=True)
        change.set(withheld_viewed_by=tuple(dict.fromkeys((*case.withheld_viewed_by, command.user))))
        change.record("WithheldDraftViewed")
        return
    if command.what == "pii":
        check_sees_pii(command.user, world.people, world.active)
    change.record("ViewOpened", view=command.what)
    if change.case.claim is not case.claim:
        refresh(change)


def _add_note(change: Change, command: AddNote) -> None:
    """A thread reply becomes a reviewer note, once, however often Slack delivers it."""
    case = change.case
    text = command.text.strip()[: decisions.FEEDBACK_LIMIT]
    key = f"{command.click.channel}:{command.click.ts}"
    if not text or any(n.key == key for n in case.notes):
        raise Refused("no_note", "Nothing to add.")
    change.note(Note(user=command.user, text=text, at=change.now, key=key))
    change.record("NoteAdded", reason=text)
    refresh(change)
