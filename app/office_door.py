"""What holds for the whole workspace: the policy in force, the pauses. Every replica follows what the store says."""

from __future__ import annotations

import threading
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from itertools import islice

import msgspec

from app.clock import Clock
from app.core.errors import CountersignError, Refused
from app.core.office import (
    AnyOfficeReceipt,
    BindChannels,
    Candidate,
    DecidePolicy,
    LoadPolicy,
    MarkSlack,
    Office,
    OfficeCommand,
    OfficeOutcome,
    OfficeWorld,
    Proposal,
    RedriveNotice,
    ReportAlarms,
    decide_office,
    propose,
    still_missing,
)
from app.core.people import People
from app.core.policy import Policy, PolicyDocuments, changed_files, compile_policy
from app.core.policy.stand_ins import stand_ins
from db.store import Reader, Store, UnitOfWork

POLICIES = 20  # compiled ones kept at hand
PROPOSALS = 4
# Slack waits 3 s for the answer to a command, and a case takes about 2 ms.
MOST_TRIED = 200
TRIED_SINCE = timedelta(days=30)


class OfficeDoor:
    """The part of the engine that decides about the office; its commands are rare and come one by one."""

    def __init__(self, store: Store, policy: Policy, clock: Clock, people: Callable[[], People]) -> None:
        self.store = store
        self.clock = clock
        self._people = people
        self._policy = policy
        self._policies = {policy.snapshot: policy}
        self._proposals: dict[tuple[str, str], Proposal] = {}
        self._office = Office()  # as last read
        self.policy_listeners: list[Callable[[Policy], None]] = []  # told when another policy came into force
        self.listeners: list[Callable[[], None]] = []  # woken after each commit; must not block
        self._committed = threading.Condition()
        self._commits = 0

    @property
    def policy(self) -> Policy:
        return self._policy

    def people(self) -> People:
        """As the directory knows them, with the delegations that hold at this moment."""
        people = self._people()
        deputies = self._office.deputies(self.clock.now()) if self._office.delegations else ()
        return msgspec.structs.replace(people, deputies=deputies) if deputies else people

    def offer(self, policy: Policy, *, by: str) -> bool:
        """Load a policy: in force at once where it is the first, else a candidate for its owners. True: in force now.

        Its snapshot is stored before any case can refer to it.
        """
        with self.store.writing() as uow:
            uow.save_snapshot(policy.snapshot, msgspec.json.encode(policy.documents))
            self._remember(policy)
            office = uow.office()
            in_force = self.policy_of(office.active, uow) if office.active else policy
            files = changed_files(in_force.documents, policy.documents)
            with suppress(Refused):  # it is in force, waits or was turned down already: nothing to do
                self._decide_office(uow, office, LoadPolicy(by=by, snapshot=policy.snapshot, files=files))
        self.follow()
        self._announce()
        return self._policy.snapshot == policy.snapshot

    def decide_policy(self, command: DecidePolicy) -> Office:
        """A person's word on a policy; raises Refused."""
        return self._govern(command)[1]

    def report_alarms(self, command: ReportAlarms) -> Office:
        """Raises Refused where nothing is new."""
        return self._govern(command)[1]

    def office_receipt(self, receipt: AnyOfficeReceipt | RedriveNotice) -> None:
        """What became, or shall become, of a delivery that is about no case; raises Refused."""
        self._govern(receipt)

    def office(self) -> Office:
        with self.store.reading() as reader:
            return reader.office()

    def missing(self, candidate: Candidate) -> tuple[str, ...]:
        """Who has to sign yet, by the policy in force."""
        world = OfficeWorld(now=self.clock.now(), people=self.people(), owners=self._policy.owners)
        return still_missing(candidate, world)

    def proposal(self, was: str, new: str) -> Proposal:
        """What the policy `new` would change of `was`, with cases as they were when it was first asked for."""
        known = self._proposals.get((was, new))
        if known is None:
            with self.store.reading() as reader:
                cases = islice(reader.cases_since(self.clock.now() - TRIED_SINCE), MOST_TRIED)
                known = propose(self.policy_of(was, reader), self.policy_of(new, reader), cases)
            while len(self._proposals) >= PROPOSALS:
                self._proposals.pop(next(iter(self._proposals)), None)
            self._proposals[(was, new)] = known
        return known

    def note(self, command: BindChannels | MarkSlack) -> bool:
        """What this process found out about Slack. False: another replica was faster, or nothing is new."""
        with self.store.writing() as uow:
            try:
                self._decide_office(uow, uow.office(), command)
            except Refused:
                return False
        return True

    def pauses(self) -> frozenset[str]:
        """Queues whose AI text is paused, "" for all of them; as last read."""
        return self._office.paused_queues

    def follow(self) -> None:
        """Make the policy that the store says is in force ours: another replica may have changed it."""
        with self.store.reading() as reader:
            self._follow(reader)

    def _follow(self, reader: Reader) -> None:
        self._office = reader.office()
        active = self._office.active
        if active and active != self._policy.snapshot:
            self._policy = self.policy_of(active, reader)
            for listener in self.policy_listeners:
                listener(self._policy)

    def _govern(self, command: OfficeCommand) -> tuple[Office, Office]:
        """The office before and after."""
        with self.store.writing() as uow:
            before = uow.office()
            after = self._decide_office(uow, before, command).office
        self.follow()
        self._announce()
        return before, after

    def _announce(self) -> None:
        with self._committed:
            self._commits += 1
            self._committed.notify_all()
        for listener in self.listeners:
            listener()

    def _decide_office(self, uow: UnitOfWork, office: Office, command: OfficeCommand) -> OfficeOutcome:
        in_force = self.policy_of(office.active, uow) if office.active else self._policy
        now = self.clock.now()
        world = OfficeWorld(
            now=now,
            people=self._people(),
            owners=in_force.owners,
            leads=frozenset({in_force.fallback_role, "support_lead"}),
            queues=frozenset(spec.channel for spec in in_force.roles.values()) - {in_force.policy_channel},
            careful=in_force.careful_queues,
            autoload=in_force.autoload,
            policy_channel=in_force.policy_channel,
            alarm_channel=in_force.roles[in_force.fallback_role].channel,
            stand_ins=stand_ins(in_force),
        )
        outcome = decide_office(office, command, world)
        uow.save_office(office, outcome, now)
        return outcome

    def policy_of(self, snapshot: str, reader: Reader | None = None) -> Policy:
        """The compiled policy of a stored snapshot; a case never outlives the text of its own policy."""
        policy = self._policies.get(snapshot)
        if policy is None:
            if reader is None:
                with self.store.reading() as opened:
                    return self.policy_of(snapshot, opened)
            stored = reader.load_snapshot(snapshot)
            if stored is None:
                raise CountersignError(f"policy snapshot {snapshot} is not in the store")
            policy = compile_policy(msgspec.json.decode(stored, type=PolicyDocuments))
            self._remember(policy)
        return policy

    def _remember(self, policy: Policy) -> None:
        while len(self._policies) >= POLICIES:
            self._policies.pop(next(iter(self._policies)), None)
        self._policies[policy.snapshot] = policy
