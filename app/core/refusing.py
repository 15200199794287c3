"""Why a case takes no command of a kind in the state it is in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import assert_never

from app.core.case import Case, State
from app.core.errors import Refused
from app.core.world import World

# Everything else was decided already.
_CODES: Mapping[State, str] = {
    "received": "not_now",
    "pending": "not_now",
    **{s: s for s in ("expired", "superseded", "withdrawn", "awaiting_signoff", "blocked", "failed", "indeterminate")},
}


def not_now(case: Case, world: World) -> Refused:
    return Refused(_CODES.get(case.state, "already_decided"), _because(case, world))


def _because(case: Case, world: World) -> str:
    """Why the case takes no such command now, and who brought it there: read by the person who clicked."""
    verdict = case.verdict
    who = world.people.find(verdict.by.removeprefix("slack:")) if verdict and verdict.by else None
    name = (who.name or verdict.by) if who and verdict else ""
    when = f" at {verdict.at:%H:%M} UTC" if verdict else ""
    by = f" by {name}{when}" if name else when
    match case.state:
        case "pending" | "received":
            return "The case waits for its first decision; there is nothing to do of that kind now."
        case "awaiting_signoff":
            signed = ", ".join(world.people.find(a.user).name or a.user for a in case.approvals)
            return f"Already approved by {signed}; it waits for a second person's sign-off in the thread."
        case "approved" | "sending" | "sent":
            outcome = verdict.outcome if verdict else "approved"
            return f"Already decided: {outcome}{by}."
        case "rejected":
            reason = f' Reason: "{verdict.reason}"' if verdict and verdict.reason else ""
            return f"Already decided: rejected{by}.{reason}"
        case "superseded":
            return f"This case was replaced by case {case.superseded_by}; nothing was sent from here."
        case "expired":
            return f"This case expired{when}; the draft was not sent."
        case "withdrawn":
            reason = f' Reason: "{verdict.reason}"' if verdict and verdict.reason else ""
            return f"This case was withdrawn{when}.{reason}"
        case "blocked":
            return "Nobody can approve this case as it is: write the reply, or ask a policy owner."
        case "failed":
            return f"Approved{by}, but the reply could not be delivered; see the packet's thread."
        case "indeterminate":
            return f"Approved{by}; nobody can tell yet whether the reply arrived. Settle that first."
    assert_never(case.state)
