"""Taking a case out again by hand: whoever submitted it may, and support leads (SL8)."""

from __future__ import annotations

from app.core.case import Case
from app.core.change import Change
from app.core.ending import end
from app.core.errors import Refused
from app.core.messages import WithdrawByPerson
from app.core.people import People
from app.core.who import submitter_keys

LEAD = "support_lead"
REASON_LIMIT = 3_000


def withdraw(change: Change, command: WithdrawByPerson) -> None:
    role = check(change.case, command.user, change.world.people)
    reason = command.reason.strip()[:REASON_LIMIT]
    if not reason:
        raise Refused("reason_missing", "Say why the case is withdrawn, for those who looked at it.")
    change.record("CaseWithdrawn", reason=reason, category="withdrawn", role=role)
    end(change, "withdrawn", "withdrawn", by=command.user, role=role, reason=reason, category="withdrawn")


def check(case: Case, user: str, people: People) -> str:
    """The role in which `user` may: empty for the submitter. Refused otherwise."""
    person = people.find(user)
    if not person.may_decide:
        raise Refused("not_allowed", "Guests, bots and deactivated accounts cannot decide here.")
    if person.keys & submitter_keys(case, people):
        return ""
    if LEAD in people.roles_of(user):
        return LEAD
    raise Refused("not_yours", "Only who submitted this case, or a support lead, can withdraw it.")
