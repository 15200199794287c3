"""What people were told and what customers got, kept apart from the product: it never reads `Case.approvals`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import msgspec

from app.core.assessment import Assessment
from app.core.case import Case
from app.core.messages import (
    Approve,
    ByPerson,
    ClaimCase,
    Decline,
    Edit,
    OverrideGuardrail,
    PersonCommand,
    ReceiveCase,
    RecordView,
    Reject,
    ReleaseCase,
    Reopen,
    ReportActionResult,
    SettleDelivery,
    SignOff,
    SubmitDraft,
    Undo,
    Withdraw,
    WithdrawByPerson,
    WriteReply,
)
from app.core.people import People
from tests.sim.book import EVERYWHERE, Book, Violation
from tests.sim.directory import Directory, held, human
from tests.sim.lending import LOOKED_UP, Acting, owners_of
from tests.sim.policies import CLAIM_FOR, Variant
from tests.sim.world import Arrival

DECISIONS = (Approve, Edit, WriteReply, Reject, SignOff, Decline)
VOTES = (Approve, Edit, WriteReply, SignOff)
CLAIMING_VIEWS = ("approve", "edit", "write", "reject", "decline")
LEAD = "support_lead"


class Vote(msgspec.Struct, frozen=True, kw_only=True):
    """One accepted approval. `hash` is empty where the person's answer was lost in a crash: `text` binds it then.

    `acting` is what the person could act as when it was accepted.
    """

    user: str
    acting: Acting
    kind: type[PersonCommand]
    text: str
    hash: str
    at: datetime


class Word(msgspec.Struct, frozen=True, kw_only=True):
    """One person's word that a guardrail is wrong about a text."""

    human: str
    roles: frozenset[str]
    hash: str


class Claim(msgspec.Struct, frozen=True, kw_only=True):
    human: str
    since: datetime

    @property
    def until(self) -> datetime:
        return self.since + CLAIM_FOR


class Asked(msgspec.Struct, frozen=True, kw_only=True):
    """A command that was handed over, and how things stood at that moment: nothing changes until it is decided."""

    command: object
    people: People
    variant: Variant
    at: datetime
    acting: Acting = Acting(own=frozenset(), lent=())


class Account(msgspec.Struct, kw_only=True):
    """One case as an outsider knows it."""

    case_id: str
    command: ReceiveCase
    variant: Variant  # the policy in force when it came in: it keeps that one
    opened_at: datetime
    asked: list[datetime] = []  # when people were asked: ladders count from the last of them
    assessments: list[Assessment] = []
    votes: list[Vote] = []
    words: list[Word] = []
    claim: Claim | None = None
    authors: dict[str, str] = {}  # text → user who wrote it; "" for who submitted it from outside
    had_a_part: set[str] = set()  # human beings who voted on or wrote any of its texts
    verified: bool = False  # the caller reported that the action was carried out
    accepted: int = 0  # decisions that were answered with yes
    unsure: int = 0  # decisions whose answer was lost after the commit
    released: bool = False  # somebody was told that the reply goes out
    released_text: str = ""
    released_at: datetime | None = None
    undone: bool = False  # taken back afterwards
    replaced: bool = False  # superseded or withdrawn, which is for good
    replaced_at: datetime | None = None
    resends: int = 0  # times a person settled with "send again"
    found: bool = False  # a person settled with "it arrived"
    replies: list[Arrival] = []
    holdings: list[Arrival] = []

    @property
    def submitter(self) -> str:
        by = self.command.submitted_by
        return human(by.slack_user) if by and by.slack_user else ""

    def is_ai_text(self, text: str) -> bool:
        return text not in self.authors

    def due(self, rung: str) -> set[datetime]:
        """When a rung of this name can have been due, by any ladder the case ever had."""
        return {
            self.variant.due(assessment, step, asked)
            for assessment in self.assessments
            for step in assessment.rungs
            for asked in self.asked
            if step.id == rung
        }

    def escalated(self, at: datetime) -> set[str]:
        """Roles that a rung may have let in by then, of any ladder the case ever had."""
        return {
            rung.role
            for assessment in self.assessments
            for rung in assessment.rungs
            for asked in self.asked
            if rung.do == "escalate" and self.variant.due(assessment, rung, asked) <= at
        }


class Ledger:
    """`judge` is asked about each reply; `told` is when something of a kind was told about a case, by its log."""

    def __init__(
        self,
        directory: Directory,
        book: Book,
        judge: Callable[[Account, Arrival], None],
        told: Callable[[str, str], list[datetime]],
    ) -> None:
        self.directory = directory
        self.book = book
        self._judge = judge
        self._told = told
        self.accounts: dict[str, Account] = {}
        self.in_hand: Asked | None = None  # a command that is stored and not answered yet

    # --- what was answered ---------------------------------------------------------------------------------------

    def opened(self, asked: Asked, command: ReceiveCase, case: Case) -> None:
        if command.case_id in self.accounts:
            return
        account = Account(
            case_id=command.case_id, command=command, variant=asked.variant, opened_at=asked.at, asked=[asked.at]
        )
        if command.draft is not None and command.draft.author == "human":
            account.authors[command.draft.text] = ""
        self.accounts[command.case_id] = account
        self._note_assessment(account, case)

    def goes_on_in(self, case_id: str, successor: str) -> None:
        """What was reported about an action stays true in the case that takes its place."""
        if successor in self.accounts:
            self.accounts[successor].verified = self.accounts[case_id].verified

    def answered(self, asked: Asked, case: Case | None) -> None:
        """A command that was accepted; `case` is None when a crash swallowed the answer after the commit."""
        command = asked.command
        account = self.accounts.get(getattr(command, "case_id", ""))
        if account is None:
            return
        if case is not None:
            self._note_assessment(account, case)
        if isinstance(command, ByPerson):
            self._claims(account, command, case, asked)
            self._by_person(account, command, case, asked)
        elif isinstance(command, SubmitDraft):
            if command.draft.author == "human":
                account.authors[command.draft.text] = ""
            if case is not None:
                account.votes.clear()
        elif isinstance(command, Withdraw):
            account.replaced, account.replaced_at = True, asked.at
        elif isinstance(command, ReportActionResult):
            action = account.command.action
            right = str(action.amount) if action and action.amount is not None else ""
            account.verified |= command.status == "succeeded" and command.amount == right
        if isinstance(command, DECISIONS):
            account.accepted += case is not None
            account.unsure += case is None
            if case is not None and case.state in ("approved", "sending"):
                account.released, account.undone, account.released_at = True, False, asked.at
                account.released_text = case.draft.text if case.draft else ""

    def looked(self, case: Case) -> None:
        """What `GET /v1/cases/{id}` says: also after an answer that was lost, or what nobody asked for."""
        if account := self.accounts.get(case.id):
            self._note_assessment(account, case)

    def _note_assessment(self, account: Account, case: Case) -> None:
        if case.assessment is not None and [case.assessment] != account.assessments[-1:]:
            account.assessments.append(case.assessment)

    def _by_person(self, account: Account, command: ByPerson, case: Case | None, asked: Asked) -> None:
        acting = self.acting(account, asked)
        if isinstance(command, DECISIONS) and case is not None and not acting.roles:
            what = type(command).__name__
            raise Violation(f"Case {account.case_id}: {what} by {command.user}, who has no role (any more).")
        if isinstance(command, VOTES):
            account.had_a_part |= {human(command.user), *(absent for _, absent in acting.lent)}
        match command:
            case Approve() | SignOff():
                account.votes.append(_vote(command, command.seen, asked, acting))
            case Edit() | WriteReply():
                if case is not None:
                    account.votes.clear()
                account.authors[command.text] = command.user
                seen = case.request_hash if case is not None else ""
                account.votes.append(_vote(command, seen, asked, acting))
            case Reject() | Decline() if case is not None:
                account.votes.clear()
            case Undo():
                account.undone = True
                mine = [v for v in account.votes if v.user == command.user]
                if mine and case is not None:
                    account.votes.remove(mine[-1])
            case Reopen():
                if case is not None:
                    account.votes.clear()
                    account.replaced, account.replaced_at = False, None
                account.asked.append(asked.at)
            case WithdrawByPerson() if case is not None or self._took_out(account, asked):
                account.replaced, account.replaced_at = True, asked.at
                if human(command.user) != account.submitter and LEAD not in held(asked.people, command.user):
                    raise Violation(f"Case {account.case_id}: withdrawn by {command.user}, who may not.")
            case OverrideGuardrail():
                roles = held(asked.people, command.user)
                account.words.append(Word(human=human(command.user), roles=roles, hash=command.seen))
            case SettleDelivery():
                account.resends += not command.arrived
                account.found |= command.arrived
            case _:
                pass

    def _took_out(self, account: Account, asked: Asked) -> bool:
        """Whose answer was lost may have been refused: the log says what became of it."""
        return any(at >= asked.at for at in self._told(account.case_id, "CaseWithdrawn"))

    def _claims(self, account: Account, command: ByPerson, case: Case | None, asked: Asked) -> None:
        """Nobody but a support lead decides on what another person has claimed."""
        claim, me, at = account.claim, human(command.user), asked.at
        anothers = claim is not None and claim.human != me and at < claim.until
        if anothers and claim is not None and any(t >= claim.since for t in self._told(account.case_id, "Escalated")):
            anothers = False  # who was asked in addition must be able to act
        lead = LEAD in held(asked.people, command.user)
        if anothers and not lead and case is not None and isinstance(command, (*DECISIONS, ClaimCase, ReleaseCase)):
            what = type(command).__name__
            raise Violation(f"Case {account.case_id}: {what} by {command.user}, while another person had claimed it.")
        match command:
            case ClaimCase():
                account.claim = Claim(human=me, since=at) if case is not None else None
            case RecordView() if anothers and lead and case is not None and command.what in CLAIMING_VIEWS:
                account.claim = Claim(human=me, since=at)  # a lead takes it over
            case ReleaseCase() | Reopen() | Approve() | Edit() | WriteReply() | Reject() | SignOff() | Decline():
                account.claim = None
            case _:
                pass

    def acting(self, account: Account, asked: Asked) -> Acting:
        """In this case: what the command's person may act as, and whether it is they who look after the customer."""
        command, acting = asked.command, asked.acting
        assert isinstance(command, ByPerson)
        person = asked.people.persons.get(command.user)
        named = owners_of(account.command.customer.id) if account.variant.looks_up else frozenset()
        if human(command.user) in named and person and not (person.is_guest or person.is_bot or person.deleted):
            acting = msgspec.structs.replace(acting, own=acting.own | {LOOKED_UP})
        return acting

    def unresolved(self, case_id: str) -> bool:
        """Whether somebody may stand in for who was looked up: nobody answered in time, or with nobody."""
        return bool(self._told(case_id, "RoleUnresolved"))

    def unanswered(self, account: Account) -> list[Vote]:
        asked = self.in_hand
        if asked is None or not isinstance(asked.command, VOTES) or asked.command.case_id != account.case_id:
            return []
        text = isinstance(asked.command, Edit | WriteReply)
        return [_vote(asked.command, "" if text else asked.command.seen, asked, self.acting(account, asked))]

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
            if arrival.text != account.variant.holding_text:
                raise Violation(
                    f"Case {account.case_id}: {arrival.text!r} went out, which is not its policy's holding message."
                )
            return
        account.replies.append(arrival)
        if len(account.replies) > 1 + account.resends:
            raise Violation(
                f"Case {account.case_id}: the customer got the reply {len(account.replies)} times "
                f"({account.resends} times a person asked to send it again)."
            )
        self._judge(account, arrival)

    def may_be_held(self, account: Account) -> bool:
        """Whether something that came after the approval can have kept the reply back at the gate."""
        since, text = account.released_at, account.released_text
        if since is None:
            return False
        queue = account.assessments[-1].route.channel if account.assessments else EVERYWHERE
        paused = account.is_ai_text(text) and self.book.was_paused(queue, since)
        return paused or any(v.stops(text) for v in (account.variant, *self.book.since(since)))


def _vote(command: ByPerson, seen: str, asked: Asked, acting: Acting) -> Vote:
    return Vote(
        user=command.user,
        acting=acting,
        kind=type(command),  # type: ignore[arg-type]
        text=command.text if isinstance(command, Edit | WriteReply) else "",
        hash=seen,
        at=asked.at,
    )
