"""What people were told and what customers got, kept apart from the product: it never reads `Case.approvals`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import permutations

import msgspec

from app.core.assessment import Assessment, Stage
from app.core.case import Action, Case
from app.core.messages import (
    Approve,
    ByPerson,
    Decline,
    Edit,
    PersonCommand,
    ReceiveCase,
    Reject,
    SettleDelivery,
    SignOff,
    SubmitDraft,
    Undo,
    Withdraw,
    WriteReply,
)
from app.core.people import People
from app.core.policy import Policy
from app.core.requesthash import request_hash
from tests.sim.world import Arrival

MOST_VERSIONS = 60
DECISIONS = (Approve, Edit, WriteReply, Reject, SignOff, Decline)


class Violation(BaseException):
    """An invariant does not hold; the message says which, in words. Nothing of ours may catch it."""


class Vote(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted approval. `hash` is empty where the person's answer was lost in a crash: `text` binds it then."""

    user: str
    kind: type[PersonCommand]
    text: str
    hash: str
    at: datetime


class Account(msgspec.Struct, kw_only=True):
    """One case as an outsider knows it."""

    case_id: str
    command: ReceiveCase
    snapshot: str
    opened_at: datetime
    votes: list[Vote] = []
    authors: dict[str, str] = {}  # text → user who wrote it; "" for who submitted it from outside
    accepted: int = 0  # decisions that were answered with yes
    unsure: int = 0  # decisions whose answer was lost after the commit
    released: bool = False  # somebody was told that the reply goes out
    undone: bool = False  # taken back afterwards
    replaced: bool = False  # superseded or withdrawn, which is for good
    resends: int = 0  # times a person settled with "send again"
    found: bool = False  # a person settled with "it arrived"
    replies: list[Arrival] = []
    holdings: list[Arrival] = []


class Ledger:
    def __init__(self, people: People, policy: Policy, assessment_of: Callable[[str], Assessment | None]) -> None:
        self.people = people
        self.holding_text = policy.holding_text
        self.fallback_role = policy.fallback_role
        self.assessment_of = assessment_of
        self.accounts: dict[str, Account] = {}
        self.in_hand: object = None  # a command that is stored and not answered yet

    # --- what was answered ---------------------------------------------------------------------------------------

    def opened(self, command: ReceiveCase, snapshot: str, at: datetime) -> None:
        if command.case_id in self.accounts:
            return
        account = Account(case_id=command.case_id, command=command, snapshot=snapshot, opened_at=at)
        if command.draft is not None and command.draft.author == "human":
            account.authors[command.draft.text] = ""
        self.accounts[command.case_id] = account

    def answered(self, command: object, case: Case | None, at: datetime) -> None:
        """A command that was accepted; `case` is None when a crash swallowed the answer after the commit."""
        account = self.accounts.get(getattr(command, "case_id", ""))
        if account is None:
            return
        if isinstance(command, DECISIONS):
            account.accepted += case is not None
            account.unsure += case is None
        if isinstance(command, ByPerson):
            self._by_person(account, command, case, at)
        elif isinstance(command, SubmitDraft):
            if command.draft.author == "human":
                account.authors[command.draft.text] = ""
            if case is not None:
                account.votes.clear()
        elif isinstance(command, Withdraw):
            account.replaced = True
        if case is not None and isinstance(command, DECISIONS) and case.state in ("approved", "sending"):
            account.released, account.undone = True, False

    def _by_person(self, account: Account, command: ByPerson, case: Case | None, at: datetime) -> None:
        match command:
            case Approve() | SignOff():
                account.votes.append(Vote(user=command.user, kind=type(command), text="", hash=command.seen, at=at))
            case Edit() | WriteReply():
                if case is not None:
                    account.votes.clear()
                account.authors[command.text] = command.user
                seen = case.request_hash if case is not None else ""
                account.votes.append(Vote(user=command.user, kind=type(command), text=command.text, hash=seen, at=at))
            case Reject() | Decline() if case is not None:
                account.votes.clear()
            case Undo():
                account.undone = True
                mine = [v for v in account.votes if v.user == command.user]
                if mine and case is not None:
                    account.votes.remove(mine[-1])
            case SettleDelivery():
                account.resends += not command.arrived
                account.found |= command.arrived
            case _:
                pass

    # --- what a customer got -------------------------------------------------------------------------------------

    def customer_got(self, arrival: Arrival) -> None:
        """Judges at once, so that a history ends where it went wrong."""
        account = self.accounts.get(arrival.case_id)
        if account is None:
            raise Violation(f"A customer got a text of case {arrival.case_id}, which nobody ever submitted.")
        if arrival.kind == "holding":
            account.holdings.append(arrival)
            if len(account.holdings) > 1:
                raise Violation(f"Case {account.case_id}: the holding message went out twice.")
            if arrival.text != self.holding_text:
                raise Violation(f"Case {account.case_id}: {arrival.text!r} went out as a holding message.")
            return
        account.replies.append(arrival)
        if len(account.replies) > 1 + account.resends:
            raise Violation(
                f"Case {account.case_id}: the customer got the reply {len(account.replies)} times "
                f"({account.resends} times a person asked to send it again)."
            )
        self._judge_approvals(account, arrival)

    def _judge_approvals(self, account: Account, arrival: Arrival) -> None:
        name = f"Case {account.case_id}: the reply {arrival.text[:60]!r} went out"
        if not any(hash_of(account, v, arrival.text) == arrival.request_hash for v in range(1, MOST_VERSIONS)):
            raise Violation(f"{name} under a hash that is not its own.")
        assessment = self.assessment_of(account.case_id)
        if assessment is None:
            raise Violation(f"{name}, but the case was never assessed.")
        everything = {r for stage in assessment.stages for r in stage.roles} | {self.fallback_role}
        votes = [
            v
            for v in (*account.votes, *self._unanswered(account, arrival.at))
            if (v.hash == arrival.request_hash if v.hash else v.text == arrival.text)
            and not self._own_cause(account, v, arrival.text)
        ]
        seats = [seat for stage in assessment.stages for seat in seats_of(stage)]
        by_person: dict[str, set[str]] = {}
        for vote in votes:
            may = everything | self._gained(account, assessment, vote.at)
            by_person.setdefault(self._key(vote.user), set()).update(self.people.roles_of(vote.user) & may)
        if assessment.tier == "high" and len(by_person) < 2:
            raise Violation(
                f"{name}, high tier, with the approval of {len(by_person)} person(s) for exactly this text."
            )
        gained = self._gained(account, assessment, arrival.at)
        taken = {*by_person, self._key(account.authors.get(arrival.text, "")), self._submitter(account)}
        open_to = [seat | gained | self._standing_in(seat, taken) for seat in seats]
        if not seats or not _filled(open_to, list(by_person.values())):
            who = ", ".join(v.user for v in votes) or "nobody"
            need = "; ".join("/".join(sorted(s)) for s in seats)
            raise Violation(f"{name}: it needed {need}; exactly this text was approved by {who}.")

    def _unanswered(self, account: Account, at: datetime) -> list[Vote]:
        command = self.in_hand
        if not isinstance(command, Approve | SignOff | Edit | WriteReply) or command.case_id != account.case_id:
            return []
        text = command.text if isinstance(command, Edit | WriteReply) else ""
        return [Vote(user=command.user, kind=type(command), text=text, hash="" if text else command.seen, at=at)]

    def _own_cause(self, account: Account, vote: Vote, text: str) -> bool:
        """Who wrote a text does not approve it, and who asked for money does not grant it."""
        me = self._key(vote.user)
        command = account.command
        author = account.authors.get(text)
        if vote.kind in (Approve, SignOff) and author and self._key(author) == me:
            return True
        if self._submitter(account) != me:
            return False
        return author == "" or moves_money(command.action)

    def _submitter(self, account: Account) -> str:
        by = account.command.submitted_by
        return self._key(by.slack_user) if by and by.slack_user else ""

    def _standing_in(self, seat: set[str], taken: set[str]) -> set[str]:
        """The fallback role, where everybody who could sit there stands on another side of the case already."""
        members = {self._key(user) for role in seat for user in self.people.roles.get(role, frozenset())}
        return {self.fallback_role} if members <= taken else set()

    def _key(self, user: str) -> str:
        return self.people.find(user).email.casefold() or user

    def _gained(self, account: Account, assessment: Assessment, at: datetime) -> set[str]:
        """Roles that a rung of the ladder may have let in by then."""
        waited = at - account.opened_at
        return {r.role for r in assessment.rungs if r.do == "escalate" and timedelta(seconds=r.after) <= waited}


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
        policy_snapshot=account.snapshot,
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


def _filled(seats: list[set[str]], persons: list[set[str]]) -> bool:
    """Whether every seat can be taken by another person."""
    return any(
        all(held & seat for seat, held in zip(seats, chosen, strict=True))
        for chosen in permutations(persons, len(seats))
    )
