"""A reply that reached a customer, judged by what an outsider knows: who said yes to it, and what forbade it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import permutations, product

from app.core.assessment import Stage
from app.core.case import Action
from app.core.messages import Approve, SignOff
from app.core.requesthash import request_hash
from tests.sim.book import EVERYWHERE, Violation
from tests.sim.directory import free, human, may_decide
from tests.sim.ledger import Account, Ledger, Vote
from tests.sim.lending import LOOKED_UP, owners_of
from tests.sim.policies import BACKUP, FALLBACK
from tests.sim.world import Arrival

MOST_VERSIONS = 60
Part = tuple[str, frozenset[str]]  # a role, and the human beings who are spent when somebody sits there in it


def judge_reply(ledger: Ledger, account: Account, arrival: Arrival) -> None:
    """Raises Violation unless exactly this text had every approval, and nothing forbade it as it left the gate."""
    name = f"Case {account.case_id}: the reply {arrival.text[:60]!r} went out"
    if not any(hash_of(account, v, arrival.text) == arrival.request_hash for v in range(1, MOST_VERSIONS)):
        raise Violation(f"{name} under a hash that is not its own.")
    if not account.assessments:
        raise Violation(f"{name}, but the case was never assessed.")
    if account.replaced_at is not None and account.replaced_at < arrival.left.at:
        raise Violation(f"{name}, though the case had been superseded or withdrawn before.")
    _approvals(ledger, account, arrival, name)
    _guardrails(account, arrival, name)
    queue = account.assessments[-1].route.channel
    unanswered = any(vote.text == arrival.text for vote in ledger.unanswered(account))
    if account.is_ai_text(arrival.text) and not unanswered and arrival.left.paused & {EVERYWHERE, queue}:
        raise Violation(f"{name}, the AI's own words, though they left the gate while AI text was paused.")


def _approvals(ledger: Ledger, account: Account, arrival: Arrival, name: str) -> None:
    assessment = account.assessments[-1]
    everything = {r for stage in assessment.stages for r in stage.roles} | {FALLBACK}
    everything |= {BACKUP} if LOOKED_UP in everything else set()
    votes = [
        v
        for v in (*account.votes, *ledger.unanswered(account))
        if (v.hash == arrival.request_hash if v.hash else v.text == arrival.text)
        and not _own_cause(account, v, arrival.text)
    ]
    by_person: dict[str, set[Part]] = {}
    for vote in votes:
        may = everything | account.escalated(vote.at)
        by_person.setdefault(human(vote.user), set()).update(_parts(account, vote, arrival.text, may))
    if assessment.tier == "high" and not _filled([None, None], by_person):
        raise Violation(f"{name}, high tier, without the approval of two people for exactly this text.")
    gained = account.escalated(arrival.at)
    seats = [seat for stage in assessment.stages for seat in seats_of(stage)]
    open_to = [seat | gained | _standing_in(ledger, account, seat, seats.count(seat)) for seat in seats]
    if not seats or not _filled(open_to, by_person):
        who = ", ".join(f"{v.user} ({_as_what(v)})" for v in votes) or "nobody"
        need = "; ".join("/".join(sorted(s)) for s in seats)
        raise Violation(f"{name}: it needed {need}; exactly this text was approved by {who}.")


def _parts(account: Account, vote: Vote, text: str, may: set[str]) -> Iterator[Part]:
    """In their own right, or for somebody who delegated to them: whoever may not decide cannot have it done."""
    me = human(vote.user)
    for role in vote.acting.own & may:
        yield role, frozenset({me})
    for role, absent in vote.acting.lent:
        if role in may and not _is_cause(account, absent, text):
            yield role, frozenset({me, absent})


def _as_what(vote: Vote) -> str:
    lent = (f"{role} for {absent}" for role, absent in vote.acting.lent)
    return "/".join((*sorted(vote.acting.own), *lent)) or "no role"


def _own_cause(account: Account, vote: Vote, text: str) -> bool:
    """Who wrote a text does not approve it, and who asked for money does not grant it."""
    wrote = vote.kind not in (Approve, SignOff) and account.authors.get(text) == vote.user
    return _is_cause(account, human(vote.user), text, wrote=wrote)


def _is_cause(account: Account, me: str, text: str, *, wrote: bool = False) -> bool:
    """`wrote`: this very writing is what counts as the approval."""
    author = account.authors.get(text)
    if author and human(author) == me and not wrote:
        return True
    if account.submitter != me:
        return False
    return author == "" or moves_money(account.command.action)


def _standing_in(ledger: Ledger, account: Account, seat: set[str], wanted: int) -> set[str]:
    """The fallback role, where at any time too few could sit there who had no part in the case already."""
    taken = {*account.had_a_part, account.submitter}
    known = ledger.directory.since(account.opened_at)
    if seat == {LOOKED_UP}:
        named = owners_of(account.command.customer.id) - taken
        there = all(any(may_decide(people, one) for one in named) for people in known)
        return set() if there and not ledger.unresolved(account.case_id) else {BACKUP, FALLBACK}
    return {FALLBACK} if any(free(people, seat, taken) < wanted for people in known) else set()


def _guardrails(account: Account, arrival: Arrival, name: str) -> None:
    """Those of the case's own policy and of the one in force, unless two people of the right role lifted them."""
    stopped = [account.variant.stops(arrival.text), arrival.left.in_force.stops(arrival.text)]
    for role in filter(None, stopped):
        if account.verified and role == "billing_approver":
            continue  # what it claims is true
        lifted = {w.human for w in account.words if w.hash == arrival.request_hash and role in w.roles}
        if len(lifted) < 2:
            raise Violation(f"{name}: a guardrail stops it, and {len(lifted)} person(s) of {role} lifted that.")


def hash_of(account: Account, version: int, text: str) -> str:
    command = account.command
    action = command.action
    return request_hash(
        case_id=account.case_id,
        draft_version=version,
        text=text,
        recipient=command.customer.id,
        channel=command.ticket.channel,
        action=None
        if action is None
        else {
            "type": action.type,
            "amount": action.amount if action.amount is not None else (action.amount_text or None),
            "currency": action.currency or None,
        },
        policy_snapshot=account.variant.policy.snapshot,
    )


def moves_money(action: Action | None) -> bool:
    return action is not None and (action.irreversible or action.amount is not None or bool(action.amount_text))


def seats_of(stage: Stage) -> list[set[str]]:
    """The people a stage asks for, each as the roles that may sit there."""
    match stage.mode:
        case "any_of":
            return [set(stage.roles)]
        case "quorum":
            return [set(stage.roles)] * stage.quorum
        case _:
            return [{role} for role in stage.roles]


def _filled(seats: Sequence[set[str] | None], persons: Mapping[str, set[Part]]) -> bool:
    """Whether every seat (None: whichever) can be taken by another person, and who delegated counts as theirs too."""

    def choices(chosen: Sequence[str]) -> list[list[frozenset[str]]]:
        pairs = zip(seats, chosen, strict=True)
        return [[who for role, who in persons[one] if seat is None or role in seat] for seat, one in pairs]

    return any(_apart(choices(chosen)) for chosen in permutations(persons, len(seats)))


def _apart(choices: list[list[frozenset[str]]]) -> bool:
    return any(len(frozenset().union(*taken)) == sum(map(len, taken)) for taken in product(*choices))
