"""`decide_office`: like `machine.decide`, a command and the office as it stands give the office as it becomes."""

from __future__ import annotations

from typing import assert_never

from app.core.effects import Settlement
from app.core.office import alarms, boards, delegations, policies, reach, switch
from app.core.office.change import OfficeChange
from app.core.office.values import (
    BindChannels,
    BoardShown,
    DecidePolicy,
    Delegate,
    EndDelegation,
    LoadPolicy,
    MarkSlack,
    NoticeDelivered,
    NoticeLost,
    Office,
    OfficeCommand,
    OfficeOutcome,
    OfficeReceipt,
    OfficeWorld,
    PauseAi,
    RedriveNotice,
    ReportAlarms,
    ResumeAi,
    TidyDelegations,
)


def decide_office(office: Office, command: OfficeCommand, world: OfficeWorld) -> OfficeOutcome:
    """Raises Refused, with nothing changed."""
    change = OfficeChange(office, world, _actor(command))
    match command:
        case LoadPolicy():
            policies.load(change, command)
        case DecidePolicy(do="sign"):
            policies.sign(change, command)
        case DecidePolicy(do="reject"):
            policies.reject(change, command)
        case DecidePolicy(do="roll_back"):
            policies.roll_back(change, command)
        case PauseAi():
            switch.pause(change, command)
        case ResumeAi():
            switch.resume(change, command)
        case Delegate():
            delegations.delegate(change, command)
        case EndDelegation():
            delegations.end(change, command)
        case TidyDelegations():
            delegations.tidy(change)
        case ReportAlarms():
            alarms.report(change, command)
        case BindChannels():
            reach.bind(change, command)
        case MarkSlack():
            reach.mark(change, command)
        case BoardShown():
            boards.shown(change, command)
        case NoticeDelivered():
            change.record("DeliverySucceeded", delivery=command.delivery, remote_id=command.remote_id)
            change.settle(Settlement(delivery=command.delivery, status="done"))
        case NoticeLost():
            change.record("DeliveryFailed", reason=command.error, delivery=command.delivery, remedy=command.remedy)
            change.settle(Settlement(delivery=command.delivery, status="dead", error=command.error))
        case RedriveNotice():
            change.record("DeliveryRedriven", delivery=command.delivery)
            change.settle(Settlement(delivery=command.delivery, status="redrive"))
        case _:
            assert_never(command)  # type: ignore[arg-type]
    return change.outcome()


def _actor(command: OfficeCommand) -> str:
    match command:
        case LoadPolicy() | BindChannels() | MarkSlack() | RedriveNotice():
            return command.by
        case DecidePolicy() | PauseAi() | ResumeAi() | Delegate() | EndDelegation():
            return f"slack:{command.user}"
        case ReportAlarms() | TidyDelegations():
            return "system:auditor"
        case OfficeReceipt():
            return "system:dispatch"
