"""What people do about each other and about a case as a whole, and the jobs that look after it all, in one step."""

from __future__ import annotations

from abc import abstractmethod
from datetime import timedelta
from typing import Any

from app.core.assessment import Assessment
from app.core.case import Case
from app.core.errors import Refused
from app.core.messages import AnyCommand, OverrideGuardrail, Reassess, WithdrawByPerson
from app.core.office import Delegate, Delegation, EndDelegation
from app.engine import Remember
from tests.sim.book import Violation
from tests.sim.directory import AT_FIRST, held, human
from tests.sim.gate import seats_of
from tests.sim.ledger import LEAD, Account, Asked
from tests.sim.lending import COULD_HOLD, Lending, Lent, a_pair
from tests.sim.office import OfficeSteps
from tests.sim.people import OUTSIDERS, Crowd
from tests.sim.replica import Crash
from tests.sim.scenery import OF_AGENTS
from tests.sim.watch import check_refusal
from tests.sim.world import Button, World

TIERS = ("low", "medium", "high")
ASKED_OF = ("pending", "awaiting_signoff")
TOPICS = ("", "", "how_to", "shipping_status", "refund_request", "discount", "legal_question", "no_topic")


class DutySteps(OfficeSteps):
    """The steps that are about who acts for whom, what a case is, and what Slack shows."""

    world: World
    lending: Lending
    crowd: Crowd
    names: list[str]

    @abstractmethod
    def asked(self, command: AnyCommand) -> Asked: ...

    @abstractmethod
    def tell(self, command: AnyCommand, remember: Remember | None = None) -> Case | None: ...

    @abstractmethod
    def look(self, case_id: str) -> Case | None: ...

    @abstractmethod
    def _do_case(self, scene: str = "") -> None: ...

    # --- delegation ----------------------------------------------------------------------------------------------

    def _do_delegate(self) -> None:
        known = self._office().delegations
        if known and self.random.random() < 0.3:
            self._end_delegation(self.random.choice(known))
            return
        of, to = a_pair(self.random, self.directory.now)
        later = timedelta(minutes=self.random.choice((10, 120))) if self.random.random() < 0.2 else None
        self._delegate(of, to, self.random.choice((1, 10, 60, 300, 300, 2_880)), later)

    def _do_deputy(self) -> None:
        """Who had a part in a case lets somebody act for them, who then clicks on it."""
        by_case = self.crowd.live()
        if not by_case:
            return
        case_id = self.random.choice(list(by_case))
        if self.random.random() < 0.5 and self._past_deputy(by_case):
            return
        button, of = self.random.choice(by_case[case_id]), self.crowd.last_user.get(case_id, "UAGENT1")
        _, to = a_pair(self.random, self.directory.now, self.crowd.role_of(button, case_id))
        self._delegate(of, to, 60, None)
        self.crowd.click(self.random, button, to)

    def _do_stand_in(self) -> None:
        """Two who count as one try to be two: the deputy of who asked for a reply, or of who signed a step of it."""
        case = self._of_an_agent()
        if case is None:
            return
        asked_for = case.submitted_by.slack_user if case.submitted_by else ""
        if asked_for and self.random.random() < 0.5:
            self.crowd.decide(self.random, case, self._stranger(case, asked_for))
            return
        role = self.random.choice(case.assessed.stages[-1].roles)
        of = self.random.choice(sorted(self.directory.now.roles.get(role, ())) or ["ULEAD1"])
        deputy_first = self.random.random() < 0.3
        self.crowd.decide(self.random, case, self._stranger(case, of) if deputy_first else of)
        after = self.look(case.id)
        if after is not None and after.state in ASKED_OF:
            self.crowd.decide(self.random, after, of if deputy_first else self._stranger(after, of))

    def _of_an_agent(self) -> Case | None:
        """Mostly a case whose reply an agent wrote, which nobody has claimed: a new one where there is none."""
        if self.random.random() < 0.25:
            cases = [case for name in self.names if (case := self.look(name)) and case.state in ASKED_OF]
            return self.random.choice(cases) if cases else None
        found = (case for name in reversed(self.names) if (case := self.look(name)) and _waits_for_anybody(case))
        if case := next(found, None):
            return case
        self._do_case(self.random.choice(OF_AGENTS))
        case = self.look(self.names[-1]) if self.names else None
        return case if case and case.state in ASKED_OF else None

    def _stranger(self, case: Case, of: str) -> str:
        """Who acts for them from now on, mostly somebody without a right of their own in this case; or does already."""
        now, people = self.clock.now(), self.directory.now
        if known := [lent.to for lent in self.lending.now(now) if human(lent.of) == human(of)]:
            return known[0]
        wanted = {role for stage in case.assessed.stages for role in stage.roles}
        could = frozenset[str]().union(*(COULD_HOLD.get(role, ()) for role in held(people, of) & wanted))
        able = sorted({user for role in could for user in people.roles[role]})
        free = [user for user in able if not held(people, user) & {*wanted, LEAD}]
        to = self.random.choice(free or able or ["UAGENT2"])
        self._delegate(of, to, 300, None)
        return to

    def _past_deputy(self, by_case: dict[str, list[Button]]) -> bool:
        """Somebody whose time is over tries once more; whether there was one, and something to try."""
        over = [lent for lent in self.lending.all if lent.until <= self.clock.now()]
        known = [(self.crowd.role_of(b, case_id), b) for case_id, buttons in by_case.items() for b in buttons]
        tries = [(lent.to, button) for lent in over for role, button in known if role in lent.roles]
        if tries:
            user, button = self.random.choice(tries)
            self.crowd.click(self.random, button, user)
        return bool(tries)

    def _delegate(self, of: str, to: str, minutes: int, later: timedelta | None) -> None:
        now = self.clock.now()
        since = now + later if later else None
        until = (since or now) + timedelta(minutes=minutes)
        words = f"{of} delegates to {to}, for {minutes} minutes{' from later on' if since else ''}"
        lent = self.lending.note(of, to, since or now, until)
        lent.begun = since is None
        claims = self._claims_end([lent] if lent.begun else [])
        try:
            self.replica.engine.delegate(Delegate(user=of, to=to, until=until, since=since))
        except Refused as refusal:
            check_refusal(refusal)
            self.lending.all.remove(lent)
            for account, claim in claims:
                account.claim = claim
            self.say(f"{words}: refused, {refusal.code}")
            return
        except Crash:  # stored, though not every case says so
            self.say(f"{words}: no answer")
            raise
        self.say(words)
        self.lending.check(lent)

    def _end_delegation(self, known: Delegation) -> None:
        user = self.random.choice((known.user, known.user, known.to, "ULEAD1", *OUTSIDERS))
        words = f"{user} ends what {known.user} delegated to {known.to}"
        try:
            self.replica.engine.delegate(EndDelegation(user=user, delegation=known.id))
        except Refused as refusal:
            check_refusal(refusal)
            self.say(f"{words}: refused, {refusal.code}")
            return
        self.say(words)
        if human(user) not in (human(known.user), human(known.to)) and LEAD not in held(self.directory.now, user):
            raise Violation(f"{user}, whom it does not concern, ended a delegation.")
        for lent in self.lending.all:
            if (lent.of, lent.to, lent.until) == (known.user, known.to, known.until) and not lent.over:
                self.lending.ends(lent, self.clock.now())

    def _do_tidy(self) -> None:
        now = self.clock.now()
        for lent in [lent for lent in self.lending.all if not lent.over and lent.until <= now]:
            self.lending.ends(lent, now)
        begun = [lent for lent in self.lending.now(now) if not lent.begun]
        for lent in begun:
            self.lending.begins(lent)
        self._claims_end(begun)
        self.replica.engine.follow()
        self.replica.engine.tidy_delegations()
        if any(known.until <= now for known in self._office().delegations):
            raise Violation("A delegation is over, and nobody was told.")

    def _claims_end(self, begun: list[Lent]) -> list[tuple[Account, Any]]:
        """Who is away works on nothing: what ended."""
        away = {human(lent.of) for lent in begun}
        theirs = [(a, a.claim) for a in self.ledger.accounts.values() if a.claim and a.claim.human in away]
        for account, _ in theirs:
            account.claim = None
        return theirs

    # --- a case as a whole ---------------------------------------------------------------------------------------

    def _do_reassess(self) -> None:
        """Somebody says what a case is: mostly whoever could, with or without a reason."""
        case = self.look(self.random.choice(self.names[-4:])) if self.names else None
        if case is None or case.assessment is None:
            return
        before, roles = case.assessment, self.directory.now.roles
        some = (before.route.role, LEAD, "support_agent", *(r for stage in before.stages for r in stage.roles))
        user = self.random.choice(sorted(roles.get(self.random.choice(some), ())) or ["ULEAD1"])
        if self.random.random() < 0.15:
            user = self.random.choice((*OUTSIDERS, *AT_FIRST.persons, *(lent.to for lent in self.lending.all)))
        command = Reassess(
            case_id=case.id,
            user=user,
            seen=case.request_hash if self.random.random() < 0.95 else "0" * 64,
            intent=self.random.choice(TOPICS),
            tier=self.random.choice((None, None, "low", "medium", "high")),
            reason=self.random.choice(("", "The customer asks for something else.")),
        )
        asked = self.asked(command)
        after = self.tell(command)
        if after is not None and after.assessment is not None:
            self._check_reassessed(before, after.assessment, command, asked)

    def _check_reassessed(self, before: Assessment, after: Assessment, command: Reassess, asked: Asked) -> None:
        """Less is asked of people only with a reason, by who could approve it, and not by who wants it (DE9)."""
        account = self.ledger.accounts[command.case_id]
        name = f"Case {command.case_id}: {command.user} reassessed it from {before.tier} to {after.tier}"
        own = self.ledger.acting(account, asked).own
        if not own:
            raise Violation(f"{name}, and has no role.")
        if all(new >= old for new, old in zip(_weight(after), _weight(before), strict=True)):
            return
        if not command.reason:
            raise Violation(f"{name}, without a reason.")
        last = before.stages[-1].roles if before.stages else ()
        if not own & {before.route.role, *last, LEAD}:
            raise Violation(f"{name}, and is not of those who approve.")
        if human(command.user) == account.submitter:
            raise Violation(f"{name}, though it is their own.")
        action = account.command.action
        if action is not None and action.type == "refund" and after.tier != "high":
            raise Violation(f"{name}, though it still is about a refund.")

    def _do_take_out(self) -> None:
        """A person withdraws a case: whoever submitted it, a lead, or somebody who may not."""
        account = self.ledger.accounts.get(self.random.choice(self.names[-4:])) if self.names else None
        if account is None:
            return
        user = self.random.choice(("UAGENT1", "UAGENT1B", "ULEAD1", "ULEAD2", "UAGENT2", *OUTSIDERS))
        reason = self.random.choice(("I called the customer.", "I called the customer.", ""))
        self.tell(WithdrawByPerson(case_id=account.case_id, user=user, seen="", reason=reason))

    def _do_lift(self) -> None:
        """Somebody says a guardrail is wrong, at times a second person too; then whoever may approves the text."""
        stopped = [
            case for name in self.names if (case := self.look(name)) and case.state in ASKED_OF and case.blocking
        ]
        if not stopped:
            self._do_case("blocked draft by an agent")
            stopped = [case for name in self.names[-1:] if (case := self.look(name)) and case.state in ASKED_OF]
        case = self.random.choice(stopped) if stopped else None
        for _ in range(self.random.choice((1, 1, 2))):
            if case is not None:
                user = self.random.choice(sorted(self.directory.now.roles["billing_approver"]) or ["UBILL1"])
                self.tell(OverrideGuardrail(case_id=case.id, user=user, seen=case.request_hash, reason="It is true."))
        for _ in range(2):
            case = self.look(case.id) if case else None
            if case is not None and case.state in ASKED_OF:
                role = self.random.choice(case.assessed.stages[min(case.stage, len(case.assessed.stages) - 1)].roles)
                members = sorted(self.directory.now.roles.get(role, ())) or ["ULEAD1"]
                self.crowd.decide(self.random, case, self.random.choice(members))

    # --- jobs ----------------------------------------------------------------------------------------------------

    def _do_audit(self) -> None:
        """What the auditor says is wrong is what is wrong (TI4)."""
        self.replica.auditor.look()
        with self.replica.store.reading() as reader:
            dead = {delivery.destination for delivery in reader.deliveries("dead", limit=500)}
            alarms = reader.office().alarms
        for alarm in alarms:
            if alarm.kind in ("timers_missing", "cases_stuck"):
                raise Violation(f"The auditor found {alarm.kind} of {', '.join(alarm.cases)}.")
        told = {alarm.where for alarm in alarms if alarm.kind == "dead_letters"}
        if told != dead:
            raise Violation(f"Dead letters for {sorted(dead)}, and the alarms say {sorted(told)}.")

    def _do_reconcile(self) -> None:
        repaired = self.replica.reconciler.tick()
        if repaired:
            self.say(f"the reconciler repairs {repaired}")

    def _do_loss(self) -> None:
        if not self.weather.healed:
            self.say(self.world.losses.happen(self.random))


def _waits_for_anybody(case: Case) -> bool:
    """An agent wrote its reply, and nobody has claimed it or said yes to it."""
    agents = case.submitted_by and case.draft and case.draft.author == "human" and not case.draft.author_id
    return bool(agents) and case.state in ASKED_OF and not case.claim and not case.approvals


def _weight(assessment: Assessment) -> tuple[int, int]:
    return TIERS.index(assessment.tier), sum(len(seats_of(stage)) for stage in assessment.stages)
