"""Compares what Slack shows with what the store knows, and has what differs repaired (SL2).

It only looks, and hands in what it saw as `RepairPacket`; the machine judges, so two replicas that see the same thing
repair it once. One round walks over all channels in which something of ours should stand, a few requests at a tick.
"""

from __future__ import annotations

import logging
from collections import defaultdict, deque
from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Literal, TypeVar

import msgspec

from app.clock import Clock
from app.core.case import Case, Packet
from app.core.digest import Digest, RepairDigest
from app.core.errors import Refused
from app.core.messages import RepairPacket
from app.core.office import BindChannels
from app.courier import Courier
from app.engine import Busy, Engine, where
from app.ports.directory import SlackDirectory
from app.ports.errors import GiveUp, PortError, RetryLater
from app.ports.slack_errors import CHANNEL_LOST
from app.ports.slack_reading import Shown, SlackReader
from blocks.digest import digest_message
from blocks.packet import packet_message
from blocks.surface import Surroundings, surroundings_of

log = logging.getLogger("countersign.reconciler")

ACTOR = "system:reconciler"
EVERY = timedelta(seconds=30)
REQUESTS = 8  # a tick: Slack allows fifty a minute of each method, and other replicas look too
REPAIRS = 20  # a tick: what many people have to see anew does not come in one storm
LOOK_BACK = timedelta(days=2)  # how far cases that ended are looked at
Found = Literal["missing", "drifted", "no_channel"]


_T = TypeVar("_T")


class Place(msgspec.Struct, frozen=True, kw_only=True):
    """Where a packet of an open case stood when the round began. `thread` is set for a request in a packet's thread."""

    case_id: str
    packet: str
    ts: str
    thread: str = ""


class Walk(msgspec.Struct, frozen=True, kw_only=True):
    """What is left to look at in one channel: messages from `oldest` to `latest`, then replies in threads."""

    channel_id: str
    places: tuple[Place, ...]
    digests: tuple[Digest, ...] = ()
    oldest: str
    latest: str
    begun: bool = False


class _Enough(Exception):
    """This tick has made its requests or repairs."""


class Reconciler:
    """`clock` is the wall's: Slack stamps its messages by it."""

    def __init__(
        self, engine: Engine, courier: Courier, reader: SlackReader, directory: SlackDirectory, clock: Clock
    ) -> None:
        self.clock = clock
        self.engine = engine
        self.courier = courier
        self.reader = reader
        self.directory = directory
        self._walks: deque[Walk] = deque()
        self._requests = self._repairs = 0

    def tick(self) -> int:
        """Look at the next stretch of Slack; how many packets were handed in for repair."""
        self._requests = self._repairs = 0
        try:
            self._keep_channels()
            if not self._walks:
                self._walks = deque(self._round())
            while self._walks:
                self._walk()
        except _Enough:
            pass
        except RetryLater as error:
            log.info("Slack cannot be read back now: %s", error.code or error.reason)
        except PortError as error:
            log.warning("Slack could not be read back: %s", error.code or type(error).__name__)
        except Exception as error:
            log.error("reading Slack back stumbled: %s", where(error))
            self._walks.clear()
        return self._repairs

    def _keep_channels(self) -> None:
        found = self.directory.bound()
        if not found.items() <= self.engine.office().channels.items():
            self.engine.note(BindChannels(by=ACTOR, channels=found))

    # --- a round -------------------------------------------------------------------------------------------------

    def _round(self) -> Iterator[Walk]:
        """Channels of roles, and wherever else a packet of an open case stands."""
        now = self.clock.now()
        recent, latest = f"{(now - LOOK_BACK).timestamp():.6f}", f"{(now + LOOK_BACK).timestamp():.6f}"
        found: dict[str, list[Place]] = defaultdict(list)
        channels = self.engine.people().channels
        for spec in self.engine.policy.roles.values():
            if spec.channel in channels:
                found[channels[spec.channel]] = []
        for case in self._open_cases():
            for packet in case.packets:
                if packet.ts and not packet.lost and packet.channel_id:
                    found[packet.channel_id].append(_place(case, packet))
        with self.engine.store.reading() as reader:
            digests = [d for d in reader.live_digests() if d.ts]
        for digest in digests:
            found[digest.channel_id] += []
        for channel_id, places in found.items():
            here = tuple(d for d in digests if d.channel_id == channel_id)
            oldest = min([recent, *(p.ts for p in places), *(d.ts or recent for d in here)], key=float)
            yield Walk(channel_id=channel_id, places=tuple(places), digests=here, oldest=oldest, latest=latest)

    def _open_cases(self) -> Iterator[Case]:
        after = ""
        while True:
            with self.engine.store.reading() as reader:
                cases = reader.open_cases(after)
            if not cases:
                return
            yield from cases
            after = cases[-1].ticket.id

    # --- one channel ---------------------------------------------------------------------------------------------

    def _walk(self) -> None:
        """One step in the channel at hand. A channel Slack does not let us read is left out until the next round."""
        walk = self._walks[0]
        try:
            left = self._step(walk)
        except GiveUp as error:
            if error.code in CHANNEL_LOST:
                self._channel_lost(walk, error.code)
                self._walks.popleft()
                return
            self._walks.popleft()
            raise
        if left is None:
            self._walks.popleft()
        else:
            self._walks[0] = left

    def _step(self, walk: Walk) -> Walk | None:
        if not walk.begun:
            direct = walk.channel_id.startswith("D")  # nobody archives these, and asking takes a scope of its own
            if not direct and (trouble := self._ask(lambda: self.reader.trouble(walk.channel_id))):
                self._channel_lost(walk, trouble)
                return None
            return msgspec.structs.replace(walk, begun=True)
        if walk.latest != walk.oldest:
            stretch = self._ask(lambda: self.reader.stretch(walk.channel_id, walk.oldest, walk.latest))
            there = {message.ts: message for message in stretch.messages}
            self._compare(walk, there, stretch.since)
            return msgspec.structs.replace(walk, latest=stretch.since if stretch.more else walk.oldest)
        replies = [place for place in walk.places if place.thread]
        if not replies:
            return None
        place = replies[0]
        shown = self._ask(lambda: self.reader.reply(walk.channel_id, place.thread, place.ts))
        if shown is None:
            self._hand_in(place, "missing")
        elif (case := self._case(place.case_id)) and (packet := case.packet(place.packet)):
            self._check(case, packet, shown)
        return msgspec.structs.replace(walk, places=tuple(p for p in walk.places if p is not place))

    def _ask(self, request: Callable[[], _T]) -> _T:
        if self._requests >= REQUESTS:
            raise _Enough
        self._requests += 1
        return request()

    def _compare(self, walk: Walk, there: dict[str, Shown], since: str) -> None:
        """What stood here when the round began, and what Slack shows here now."""
        for place in walk.places:
            in_view = float(since) <= float(place.ts) < float(walk.latest)
            if not place.thread and in_view and place.ts not in there:
                self._hand_in(place, "missing")
        for digest in walk.digests:
            if float(since) <= float(digest.ts or 0) < float(walk.latest):
                self._check_digest(digest, there.get(digest.ts or ""))
        for shown in there.values():
            if not shown.digest:
                continue
            with self.engine.store.reading() as reader:
                case_id = reader.case_by_packet(walk.channel_id, shown.ts)
            case = self._case(case_id) if case_id else None
            packet = next((p for p in case.packets if p.ts == shown.ts), None) if case else None
            if case and packet:
                self._check(case, packet, shown)

    def _check(self, case: Case, packet: Packet, shown: Shown) -> None:
        """What is on its way already brings the message in line by itself."""
        if packet.lost or packet.ts != shown.ts or self._on_its_way(case):
            return
        if shown.digest != packet_message(case, packet, self.courier.around(case)).digest:
            self._hand_in(_place(case, packet), "drifted")

    def _check_digest(self, digest: Digest, shown: Shown | None) -> None:
        with self.engine.store.reading() as reader:
            now = reader.digest(digest.key)
            if now is None or now.ts != digest.ts or reader.lane_head(digest.lane):
                return
            cases = reader.listed_cases(now)
        if shown is None:
            self._repair_digest(digest, "missing")
        elif shown.digest != digest_message(now, cases, self._around()).digest:
            self._repair_digest(digest, "drifted")

    def _around(self) -> Surroundings:
        return surroundings_of(self.engine.policy, self.engine.people())

    def _on_its_way(self, case: Case) -> bool:
        with self.engine.store.reading() as reader:
            return bool(reader.deliveries("pending", "claimed", case_id=case.id, destination="slack", limit=1))

    def _channel_lost(self, walk: Walk, code: str) -> None:
        """Cases that ended stay where they are: nobody has to decide on them."""
        for place in walk.places:
            self._hand_in(place, "no_channel", code)
        for digest in walk.digests:
            self._repair_digest(digest, "no_channel", code)

    # --- repair --------------------------------------------------------------------------------------------------

    def _case(self, case_id: str) -> Case | None:
        with self.engine.store.reading() as reader:
            return reader.case(case_id)

    def _hand_in(self, place: Place, found: Found, reason: str = "") -> None:
        repair = RepairPacket(
            case_id=place.case_id, by=ACTOR, packet=place.packet, ts=place.ts, found=found, reason=reason
        )
        if self._repaired(lambda: self.engine.handle(repair)):
            log.warning("packet %s of case %s: %s %s", place.packet, place.case_id, found, reason)

    def _repair_digest(self, digest: Digest, found: Found, reason: str = "") -> None:
        repair = RepairDigest(digest=digest.key, ts=digest.ts or "", found=found, reason=reason)
        if self._repaired(lambda: self.engine.digest(repair)):
            log.warning("digest %s: %s %s", digest.key, found, reason)

    def _repaired(self, repair: Callable[[], object]) -> bool:
        if self._repairs >= REPAIRS:
            raise _Enough  # the next tick looks here again, and finds the rest
        try:
            repair()
        except Refused:
            return False  # it moved on, or another replica was faster
        except Busy:
            raise _Enough from None
        self._repairs += 1
        return True


def _place(case: Case, packet: Packet) -> Place:
    parent = case.packet(packet.parent) if packet.parent else None
    thread = (parent.ts or "") if parent else ""
    return Place(case_id=case.id, packet=packet.key, ts=packet.ts or "", thread=thread)
