"""The office: the policy in force and the one that waits for it, the switch for AI text, and what is wrong just now."""

from app.core.office.machine import decide_office
from app.core.office.policies import still_missing
from app.core.office.values import (
    Alarm,
    AlarmKind,
    Board,
    BoardShown,
    Candidate,
    DecidePolicy,
    LoadPolicy,
    NoticeDelivered,
    NoticeLost,
    Office,
    OfficeCommand,
    OfficeOutcome,
    OfficeReceipt,
    OfficeWorld,
    Pause,
    PauseAi,
    ReportAlarms,
    ResumeAi,
    Signature,
)

__all__ = [
    "Alarm",
    "AlarmKind",
    "Board",
    "BoardShown",
    "Candidate",
    "DecidePolicy",
    "LoadPolicy",
    "NoticeDelivered",
    "NoticeLost",
    "Office",
    "OfficeCommand",
    "OfficeOutcome",
    "OfficeReceipt",
    "OfficeWorld",
    "Pause",
    "PauseAi",
    "ReportAlarms",
    "ResumeAi",
    "Signature",
    "decide_office",
    "still_missing",
]
