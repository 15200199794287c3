"""Planted bugs about who acts for whom, what a person says of a case, what Slack loses, and what is told of it all."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from msgspec.structs import replace

from app.auditor import Auditor, find_alarms
from app.core import astray, decisions, placing, reassessing, stages
from app.core.case import Case, Packet
from app.core.change import Change
from app.core.effects import BoardUpdate
from app.core.errors import Refused
from app.core.office import Delegation, NoticeDelivered, ReportAlarms, alarms, delegations
from app.core.office.change import OfficeChange
from app.core.people import People, Person
from app.core.policy.rolesfile import Resolver as Kind
from app.engine import Engine
from app.office_courier import OfficeCourier, OfficeParcel
from app.ports.resolvers import Question, Resolver
from db.outbox import ClaimedDelivery
from tests.sim.planting import parts_with, swapped
from tests.sim.replica import Parts, Replica

Involved = Callable[[Case, Person, People], bool]


@contextmanager
def _delegators_are_involved(involved: Involved) -> Iterator[None]:
    """In deciding whether somebody may act for another one, `involved` says whether that one has a part."""

    def deciding_so(check: Callable[..., Any]) -> Callable[..., Any]:
        def so(*args: Any, **more: Any) -> Any:
            with swapped(stages, involved=involved):
                return check(*args, **more)

        return so

    stands_for = deciding_so(stages.stands_for)
    lent = deciding_so(stages._lent)
    with swapped(stages, _lent=lent, stands_for=stands_for), swapped(decisions, stands_for=stands_for):
        yield


@contextmanager
def deputy_counts_beside() -> Iterator[Parts]:
    """A deputy may sign beside whoever delegated to them, before or after, as if they were two."""
    signed = stages.signed

    def without_the_absent(case: Case, person: Person, people: People) -> bool:
        own = tuple(replace(given, instead_of="") for given in case.approvals)
        return signed(replace(case, approvals=own), person, people)

    def involved(case: Case, person: Person, people: People) -> bool:
        return stages.wrote(case, person, people) or bool(stages.on_the_other_side(case, person, people))

    with swapped(stages, signed=without_the_absent), _delegators_are_involved(involved):
        yield Parts()


@contextmanager
def deputy_of_the_author() -> Iterator[Parts]:
    """Who asked for a reply, or wrote it, can have it approved by their deputy."""
    with _delegators_are_involved(stages.signed):
        yield Parts()


@contextmanager
def delegation_never_ends() -> Iterator[Parts]:
    """Who once acted for somebody goes on, whatever the clock or the two of them say."""

    class Endless(Engine):
        known: dict[str, Delegation] = {}

        def people(self) -> People:
            now = self.clock.now()
            self.known = self.known | {d.id: d for d in self._office.delegations}
            forever = tuple(replace(d, until=now.replace(year=9000)) for d in self.known.values())
            deputies = replace(self._office, delegations=forever).deputies(now)
            return replace(self._people(), deputies=deputies)

    yield parts_with(engine=Endless)


@contextmanager
def delegation_ends_unsaid() -> Iterator[Parts]:
    """Only the deputy hears that a delegation is over."""
    over = delegations._over

    def to_one(change: OfficeChange, known: Delegation, reason: str) -> None:
        over(change, known, reason)
        change.effects[:] = [e for e in change.effects if getattr(e.effect, "user", "") != known.user]

    with swapped(delegations, _over=to_one):
        yield Parts()


@contextmanager
def lowered_without_a_reason() -> Iterator[Parts]:
    """Whoever may reassess a case may lower its risk, without a word."""

    def anybody(*_: object) -> None:
        return None

    with swapped(reassessing, _check_may_lower=anybody):
        yield Parts()


@contextmanager
def moved_packet_forgets_fallback() -> Iterator[Parts]:
    """What a channel cannot show any more is shown nowhere, not even where the fallback role looks."""
    placed = placing._placed

    def only_at_home(change: Change, packet: Packet) -> tuple[Packet, ...]:
        if packet.channel in change.case.lost_channels:
            return (replace(packet, home=packet.queue, lost=True),)
        return placed(change, packet)

    with swapped(placing, _placed=only_at_home):
        yield Parts()


@contextmanager
def deleted_packet_stays_gone() -> Iterator[Parts]:
    """A packet that somebody deleted is not posted again."""

    def leave(change: Change, packet: Packet, why: str) -> None:
        change.record("PacketLost", reason=why, packet=packet.key, channel=packet.channel, ts=packet.ts or "")
        change.put(replace(packet, ts=None, shown="", gone=(*packet.gone, packet.ts or "")))

    with swapped(astray, _post_anew=leave):
        yield Parts()


@contextmanager
def alarm_told_each_time() -> Iterator[Parts]:
    """What is wrong is told with every look at it."""
    report = alarms.report

    def anew(change: OfficeChange, command: ReportAlarms) -> None:
        found = {alarm.key for alarm in command.found}
        change.set(alarms=tuple(alarm for alarm in change.office.alarms if alarm.key not in found))
        report(change, command)

    class Loud(Auditor):
        def look(self) -> None:
            with self.engine.store.reading() as reader:
                found = tuple(find_alarms(reader, self.engine.clock.now(), self.engine.policy.queue_alert))
            with suppress(Refused):
                self.engine.report_alarms(ReportAlarms(found=found))

    class Loudly(Parts):
        def finish(self, replica: Replica) -> None:
            replica.auditor = Loud(replica.engine)

    with swapped(alarms, report=anew):
        yield Loudly()


class OfOurs(Parts):
    """Brings what is about the workspace to Slack in another way."""

    parcel: type[OfficeParcel]

    def finish(self, replica: Replica) -> None:
        parcel = self.parcel

        class Brings(OfficeCourier):
            def parcel(self, delivery: ClaimedDelivery) -> OfficeParcel:
                self.engine.follow()
                return parcel(self, delivery, self.engine.office())

        replica.dispatcher.office_courier = Brings(replica.engine, replica.ports.slack)


@contextmanager
def notices_told_twice() -> Iterator[Parts]:
    """After a time-out nobody looks whether a notice is there already."""

    class Blind(OfficeParcel):
        def look(self) -> bool:
            return True

    class Twice(OfOurs):
        parcel = Blind

    yield Twice()


@contextmanager
def board_stays_as_posted() -> Iterator[Parts]:
    """A message about a policy change goes on asking for signatures after it was decided."""

    class Stiff(OfficeParcel):
        def send(self):  # type: ignore[no-untyped-def]
            if isinstance(self.delivery.effect, BoardUpdate):
                return NoticeDelivered(delivery=self.delivery.id, remote_id="skipped")
            return super().send()

    class Once(OfOurs):
        parcel = Stiff

    yield Once()


@contextmanager
def anothers_account_owner() -> Iterator[Parts]:
    """Who looks after the first customer is taken to look after every one."""

    class Remembers:
        def __init__(self, resolver: Resolver) -> None:
            self.resolver, self.name, self.kinds = resolver, resolver.name, resolver.kinds

        def resolve(self, kind: Kind, question: Question) -> tuple[str, ...]:
            return self.resolver.resolve(kind, replace(question, customer_id="cust-48213"))

    class Knows(Parts):
        def finish(self, replica: Replica) -> None:
            courier = replica.dispatcher.courier
            courier.ports = replace(courier.ports, resolvers=tuple(map(Remembers, courier.ports.resolvers)))

    yield Knows()


DUTY_PLANTS = (
    deputy_counts_beside,
    deputy_of_the_author,
    delegation_never_ends,
    delegation_ends_unsaid,
    lowered_without_a_reason,
    anothers_account_owner,
    moved_packet_forgets_fallback,
    deleted_packet_stays_gone,
    alarm_told_each_time,
    notices_told_twice,
    board_stays_as_posted,
)
