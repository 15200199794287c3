"""The far ends, with a memory: what Slack shows, what customers, tickets, the CRM and callers really received."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from typing import Any, Literal, cast

import msgspec

from app.core.case import Case
from app.core.effects import HelpdeskFields, HelpdeskNote, HelpdeskReply
from app.core.policy.rolesfile import Resolver as Kind
from app.courier import Ports
from app.ports.errors import Found, GiveUp, RetryLater, SendResult
from app.ports.resolvers import Question
from tests.sim.book import Leaving
from tests.sim.lending import OWNED_BY
from tests.sim.losing import Losses
from tests.sim.weather import Fate, Weather

PACE = 1.0  # seconds between two messages in a channel
FATES: Mapping[Fate, str] = {
    "done": "arrived",
    "ghost": "arrived, but the answer was lost",
    "late": "time-out; it arrives later",
    "lost": "time-out; it never arrives",
    "busy": "not now, it is busy",
    "broken": "not now, it has a fault",
    "unreachable": "it cannot be reached",
    "refused": "refused for good",
}


class Shown(msgspec.Struct, kw_only=True):
    """One message as Slack shows it now."""

    channel: str
    ts: str
    text: str
    blocks: Sequence[Mapping[str, Any]]
    metadata: Mapping[str, Any]
    thread_ts: str
    marker: str


class Button(msgspec.Struct, frozen=True, kw_only=True):
    """A button that some message has, or once had."""

    channel: str
    ts: str
    action_id: str
    value: str


class Arrival(msgspec.Struct, frozen=True, kw_only=True):
    """Something that reached helpdesk, CRM or a caller: `kind` is reply, holding, note, fields, crm or callback.

    `left` is how things stood when it left the gate: what changed while it was on its way came too late for it.
    """

    kind: str
    case_id: str
    delivery: str
    at: datetime
    text: str = ""
    request_hash: str = ""
    fields: Mapping[str, str] = {}
    late: bool = False
    left: Leaving

    @property
    def number(self) -> int:
        return int(self.delivery.rpartition("-")[2])


class World:
    """Everything outside. `meanwhile` lets others act while a call is under way; `leaving` is asked as it begins."""

    def __init__(self, weather: Weather, leaving: Callable[[], Leaving], *, readable: bool) -> None:
        self.leaving = leaving
        self.weather = weather
        self.readable = readable  # a helpdesk whose tickets can be read back
        self.messages: dict[tuple[str, str], Shown] = {}
        self.buttons: list[Button] = []
        self.arrivals: list[Arrival] = []
        self.repeated: set[str] = set()  # dead letters that an operator sent once more, out of order by nature
        self.on_reply: Callable[[Arrival], None] = lambda _: None
        self.meanwhile: Callable[[], None] = lambda: None
        self.say: Callable[[str], None] = lambda _: None
        self.losses = Losses(self)
        self._ts = 0

    def ports(self) -> Ports:
        """A process' own ports. They have the methods of the real ones, not their types."""
        made: Any = {"slack": Slack(self), "helpdesk": Helpdesk(self), "crm": Crm(self), "callbacks": Callbacks(self)}
        return Ports(**made, resolvers=(AccountBook(self),))

    def call(
        self, where: str, delivery: str, effect: Callable[[], object], *, repeatable: bool, refusable: bool
    ) -> None:
        self.meanwhile()
        fate = self.weather.fate(where, repeatable=repeatable, refusable=refusable)
        if fate != "done":
            self.say(f"{where}, delivery {delivery or '(update)'}: {FATES[fate]}")
        self.weather.happen(fate, effect, where)

    # --- effects -------------------------------------------------------------------------------------------------

    def look(self, where: str) -> None:
        """Reading back can fail like anything else."""
        weather = self.weather
        if not weather.healed and weather.random.random() < weather.trouble:
            raise RetryLater(f"{where} cannot be asked now", code="429")
        weather.pass_time(0.2)

    def show(self, message: Shown) -> None:
        before = self.messages.get((message.channel, message.ts))
        if before is not None:
            self.losses.older.append(before)
        self.messages[message.channel, message.ts] = message
        self.buttons += buttons_of(message)

    def change(self, message: Shown) -> None:
        """Not what was deleted while the request was under way."""
        if (message.channel, message.ts) in self.messages:
            self.show(message)

    def next_ts(self) -> str:
        self._ts += 1
        return f"{int(self.weather.clock.now().timestamp())}.{self._ts:06d}"

    def take(self, arrival: Arrival) -> None:
        self.arrivals.append(arrival)
        if arrival.kind in ("reply", "holding"):
            self.on_reply(arrival)

    def of(self, case_id: str, *kinds: str) -> list[Arrival]:
        return [a for a in self.arrivals if a.case_id == case_id and a.kind in kinds]


def buttons_of(message: Shown) -> list[Button]:
    rows = [block["elements"] for block in message.blocks if block.get("type") == "actions"]
    rows += [[block["accessory"]] for block in message.blocks if "accessory" in block]
    return [
        Button(channel=message.channel, ts=message.ts, action_id=e["action_id"], value=e["value"])
        for row in rows
        for e in row
        if "value" in e
    ]


class Slack:
    """Keeps what it was given, so that looking for a marker is honest; one message a second a channel."""

    def __init__(self, world: World) -> None:
        self.world = world
        self._free_at: dict[str, float] = {}

    def ready_at(self, channel: str) -> float:
        return self._free_at.get(channel, 0.0)

    def post(
        self,
        delivery_id: str,
        channel: str,
        text: str,
        blocks: Sequence[Mapping[str, Any]],
        metadata: Mapping[str, Any] | None,
        thread_ts: str | None = None,
    ) -> SendResult:
        clock = self.world.weather.clock
        wait = self.ready_at(channel) - clock.monotonic()
        if wait > 0:
            raise RetryLater("the channel takes one message a second", after=wait, code="paced")
        self.world.losses.check(channel, thread_ts or "")
        ts = self.world.next_ts()
        message = Shown(
            channel=channel,
            ts=ts,
            text=text,
            blocks=list(blocks),
            metadata=dict(metadata or {}),
            thread_ts=thread_ts or "",
            marker=delivery_id,
        )
        try:
            # a packet that is refused has no second way; replies in threads may be
            refusable = bool(thread_ts) and not metadata
            self.world.call(
                "slack", delivery_id, lambda: self.world.show(message), repeatable=False, refusable=refusable
            )
        finally:
            self._free_at[channel] = clock.monotonic() + PACE
        return SendResult(remote_id=ts, channel_id=channel, ts=ts)

    def direct(
        self,
        delivery_id: str,
        user: str,
        text: str,
        blocks: Sequence[Mapping[str, Any]],
        metadata: Mapping[str, Any] | None = None,
    ) -> SendResult:
        return self.post(delivery_id, f"D{user}", text, blocks, metadata)

    def update(
        self,
        channel: str,
        ts: str,
        text: str,
        blocks: Sequence[Mapping[str, Any]],
        metadata: Mapping[str, Any] | None,
    ) -> SendResult:
        self.world.losses.check(channel)
        old = self.world.messages.get((channel, ts))
        if old is None:
            raise GiveUp("message_not_found", "Nothing to do", code="message_not_found")
        new = msgspec.structs.replace(old, text=text, blocks=list(blocks), metadata=dict(metadata or {}))
        self.world.call("slack", "", lambda: self.world.change(new), repeatable=True, refusable=False)
        return SendResult(remote_id=ts, channel_id=channel, ts=ts)

    def find_posted(
        self, delivery_id: str, channel_id: str, thread_ts: str | None, oldest: datetime
    ) -> tuple[Found, str]:
        self.world.look("slack")
        for message in self.world.messages.values():
            here = message.channel == channel_id and message.thread_ts == (thread_ts or "")
            if here and message.marker == delivery_id:
                return Found.YES, message.ts
        return Found.NO, ""

    def direct_channel(self, user: str) -> str:
        return f"D{user}"

    def find_direct(self, delivery_id: str, user: str, oldest: datetime) -> tuple[Found, str]:
        return self.find_posted(delivery_id, f"D{user}", None, oldest)


class Helpdesk:
    """Takes everything twice if it is sent twice: only we keep a customer from a second reply."""

    idempotent = frozenset({"HelpdeskFields"})

    def __init__(self, world: World) -> None:
        self.world = world

    def send_reply(
        self, delivery_id: str, case: Case, text: str, kind: Literal["reply", "holding"], request_hash: str
    ) -> SendResult:
        return self._take(delivery_id, case, kind, repeatable=False, text=text, request_hash=request_hash)

    def add_note(self, delivery_id: str, case: Case, text: str) -> SendResult:
        return self._take(delivery_id, case, "note", repeatable=False, text=text)

    def set_fields(self, delivery_id: str, case: Case, fields: Mapping[str, str], tags: tuple[str, ...]) -> SendResult:
        return self._take(delivery_id, case, "fields", repeatable=True, fields=dict(fields))

    def find_sent(self, delivery_id: str, case: Case, effect: HelpdeskReply | HelpdeskNote | HelpdeskFields) -> Found:
        if not self.world.readable:
            return Found.UNKNOWN
        self.world.look("helpdesk")
        return Found.YES if any(a.delivery == delivery_id for a in self.world.arrivals) else Found.NO

    def _take(self, delivery_id: str, case: Case, kind: str, *, repeatable: bool, **what: Any) -> SendResult:
        what["left"] = self.world.leaving()

        def arrive() -> None:
            weather = self.world.weather
            now, late = weather.clock.now(), weather.late
            self.world.take(Arrival(kind=kind, case_id=case.id, delivery=delivery_id, at=now, late=late, **what))

        self.world.call("helpdesk", delivery_id, arrive, repeatable=repeatable, refusable=True)
        return SendResult(remote_id=delivery_id)


class Crm:
    idempotent = frozenset({"CrmPatch"})

    def __init__(self, world: World) -> None:
        self.world = world

    def update(self, delivery_id: str, case: Case, ticket: str, properties: Mapping[str, str]) -> SendResult:
        if not ticket:
            return SendResult(remote_id="skipped")
        left = self.world.leaving()

        def arrive() -> None:
            now = self.world.weather.clock.now()
            fields = dict(properties)
            self.world.take(
                Arrival(kind="crm", case_id=case.id, delivery=delivery_id, at=now, fields=fields, left=left)
            )

        self.world.call("crm", delivery_id, arrive, repeatable=True, refusable=True)
        return SendResult(remote_id=delivery_id)


class Callbacks:
    idempotent = frozenset({"Callback"})

    def __init__(self, world: World) -> None:
        self.world = world

    def send(self, delivery_id: str, url: str, key: str, type: str, data: Mapping[str, Any]) -> SendResult:
        left = self.world.leaving()

        def arrive() -> None:
            now = self.world.weather.clock.now()
            said = cast(str, data["case_id"])
            self.world.take(Arrival(kind="callback", case_id=said, delivery=delivery_id, at=now, text=type, left=left))

        self.world.call("callback", delivery_id, arrive, repeatable=True, refusable=True)
        return SendResult(remote_id=delivery_id)


class AccountBook:
    """Where it is written who looks after a customer."""

    name = "book"
    kinds: frozenset[Kind] = frozenset({"account_owner"})

    def __init__(self, world: World) -> None:
        self.world = world

    def resolve(self, kind: Kind, question: Question) -> tuple[str, ...]:
        self.world.call("roles", question.customer_id, lambda: None, repeatable=True, refusable=True)
        return OWNED_BY.get(question.customer_id, ())
