"""What all listeners share: who clicked on what, the engine behind it, and a private word to the one who clicked."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeout
from contextlib import suppress
from datetime import datetime
from typing import Any

import msgspec

from app.core.assessment import TIERS
from app.core.case import Case, Packet
from app.core.claiming import holds, until_words
from app.core.effects import Click
from app.core.errors import CountersignError, Refused
from app.core.messages import AnyCommand
from app.core.pausing import EVERYWHERE, is_paused
from app.core.stages import acting_roles, eligible
from app.core.understanding import Understanding
from app.core.who import people_for
from app.edges.listeners.forms import hidden_fields
from app.edges.metrics import Metrics
from app.engine import Busy, Engine, Handled, Remember, where
from app.ports.directory import SlackDirectory
from app.ports.errors import PortError, RetryLater
from app.ports.slack import SlackPort
from blocks.notices import notice_blocks
from blocks.surface import Surroundings, surroundings_of
from blocks.words import waiting_for

log = logging.getLogger("countersign.slack")

# Slack waits 3 s for the acknowledgement; the rest is for the way there and back.
STORE_WITHIN = 2.4
STRANGER_WITHIN = 0.3
LONGEST_ID = 40
DIRECT_TRIES = 3
LONGEST_PAUSE = 2.0  # seconds between them
MOST_LOOKED_AT = 100  # cases of one queue searched for those that wait for one person
Payload = Mapping[str, Any]


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What a button or a modal is about. `seen` is the request hash that stood on the surface."""

    case_id: str
    seen: str = ""
    packet: str = ""
    delivery: str = ""
    channel: str = ""
    ts: str = ""
    thread: str = ""
    response_url: str = ""
    home: str = ""  # "1": clicked in App Home, which then shows what came of it

    def meta(self) -> dict[str, str]:
        return {
            "c": self.case_id,
            "h": self.seen,
            "p": self.packet,
            "ch": self.channel,
            "ts": self.ts,
            "th": self.thread,
            "ru": self.response_url,
            **({"hm": self.home} if self.home else {}),
        }


def read_target(raw: object) -> Target | None:
    """From a button's value or a modal's private_metadata; None when it is not ours. It is data, never trusted."""
    fields = hidden_fields(raw)
    case_id = fields.get("c", "")
    if not (0 < len(case_id) <= LONGEST_ID and case_id.isascii() and case_id.isprintable()):
        return None
    return Target(
        case_id=case_id,
        seen=fields.get("h", ""),
        packet=fields.get("p", ""),
        delivery=fields.get("d", ""),
        channel=fields.get("ch", ""),
        ts=fields.get("ts", ""),
        thread=fields.get("th", ""),
        response_url=fields.get("ru", ""),
        home=fields.get("hm", ""),
    )


class NotStored(CountersignError):
    """The command may or may not be stored: the person is told to look before clicking again."""

    sentence = "This is taking longer than usual, so look at the case before you click again."


class Desk:
    """The listeners' way to engine, packets and people."""

    def __init__(
        self,
        engine: Engine,
        slack: SlackPort,
        directory: SlackDirectory,
        pool: ThreadPoolExecutor,
        metrics: Metrics,
        understanding: Callable[[], Understanding | None] = lambda: None,
    ) -> None:
        self.understanding = understanding
        self.engine = engine
        self.metrics = metrics
        self.slack = slack
        self.directory = directory
        self.pool = pool

    # --- the engine ----------------------------------------------------------------------------------------------

    def do(self, command: AnyCommand) -> Case:
        """The case after the command, durably stored. Refused and NotStored carry a sentence for the person."""
        handled = self.handle(command)
        if handled.case is None:
            raise NotStored(NotStored.sentence)
        return handled.case

    def handle(self, command: AnyCommand, remember: Remember | None = None) -> Handled:
        """As `do`, for what may have been done before under the same key."""
        try:
            handled = self.engine.handle(command, remember, timeout=STORE_WITHIN)
        except Refused as refusal:
            self.metrics.refused(refusal.code)
            raise
        except (FutureTimeout, Busy):
            raise NotStored(NotStored.sentence) from None
        except Exception as error:
            log.error("command %s was not stored: %s", type(command).__name__, where(error))
            raise NotStored("Nothing was stored: Countersign has a fault of its own. Try again in a minute.") from error
        if handled.case is not None:
            self.metrics.handled(command, handled.case)
        return handled

    def case(self, case_id: str) -> Case | None:
        with self.engine.store.reading() as reader:
            return reader.case(case_id)

    def around(self, case: Case) -> Surroundings:
        paused = is_paused(case, self.engine.pauses())
        people = people_for(case, self.engine.people())
        return surroundings_of(self.engine.policy_of(case.policy_snapshot), people, paused=paused)

    def surroundings(self) -> Surroundings:
        with self.engine.store.reading() as reader:
            digests = {d.key: (d.channel_id, d.ts) for d in reader.live_digests() if d.ts}
        around = surroundings_of(self.engine.policy, self.engine.people(), paused=EVERYWHERE in self.engine.pauses())
        return msgspec.structs.replace(around, digests=digests)

    def queues(self) -> list[str]:
        """Channels of the roles that decide, each once, as `roles.yaml` orders them."""
        roles = self.engine.policy.roles.values()
        return list(dict.fromkeys(spec.channel for spec in roles if spec.channel != self.engine.policy.policy_channel))

    def waiting_for(self, user: str) -> list[Case]:
        """Cases this person can act on now: those they claimed, then highest risk first, then the oldest."""
        people, roles = self.engine.people(), self.engine.policy.roles
        held, keys = acting_roles(user, people), people.find(user).keys
        channels = {spec.channel for role, spec in roles.items() if role in held}
        if any(spec.resolver for spec in roles.values()):
            channels |= set(self.queues())  # who was looked up for a case holds no role but in that case
        with self.engine.store.reading() as reader:
            found = {c.id: c for channel in channels for c in reader.next_in_queue(channel, MOST_LOOKED_AT)}
        mine = [c for c in found.values() if any(p.keys & keys for p in eligible(c, people_for(c, people)))]
        return sorted(mine, key=lambda c: (not holds(c, user, people), by_risk(c)))

    def get_to_know(self, user: str) -> None:
        """Look up somebody new, but let the acknowledgement wait for Slack only a moment (DE3)."""
        if user in self.engine.people().persons:
            return
        with suppress(FutureTimeout, PortError):
            self.pool.submit(self.directory.ensure, user).result(STRANGER_WITHIN)

    # --- a private word ------------------------------------------------------------------------------------------

    def later(self, work: Callable[[], object]) -> None:
        """Run after the acknowledgement; a failure is logged without anybody's words in it."""

        def guarded() -> None:
            try:
                work()
            except PortError as error:
                log.warning("answer to a person failed: %s", error.code or type(error).__name__)
            except Exception as error:
                log.error("answer to a person failed: %s", where(error))

        self.pool.submit(guarded)

    def open_form(self, user: str, where: Target, trigger: str, make: Callable[[], Mapping[str, Any]]) -> None:
        """After the acknowledgement; who clicked hears of it where Slack will not open it."""

        def open_view() -> None:
            try:
                self.slack.open_view(trigger, make())
            except Exception:
                self.whisper(user, where, "Slack did not open the form. Please try again.")
                raise

        self.later(open_view)

    def whisper(self, user: str, target: Target | None, text: str, blocks: Sequence[Mapping[str, Any]] = ()) -> None:
        """To one person at once: by response_url, else as an ephemeral message, else as a direct one (SL3)."""

        def send() -> None:
            ways: list[Callable[[], object]] = []
            if target and target.response_url:
                ways.append(lambda: self.slack.respond(target.response_url, text, blocks, target.thread))
            if target and target.channel:
                ways.append(lambda: self.slack.ephemeral(target.channel, user, text, blocks, target.thread or None))
            for way in ways:
                try:
                    way()
                except PortError as error:
                    log.info("a private answer had to take another way: %s", error.code or type(error).__name__)
                else:
                    return
            for _ in range(DIRECT_TRIES):
                try:
                    self.slack.direct("notice", user, text, blocks)
                    return
                except RetryLater as busy:  # one person gets one message a second
                    time.sleep(min(busy.after or 0.0, LONGEST_PAUSE))
            log.warning("a private answer could not be given: Slack takes none")

        self.later(send)

    def tell_done(self, user: str, target: Target, case: Case, sentence: str = "") -> None:
        """`sentence` where there is more to say than what the case's state tells."""
        around = self.around(case)
        sentence = sentence or done_sentence(case, around)
        undo = case.state == "approved" and case.verdict is not None and case.verdict.by == user
        # Undo binds to the text as it is now, which an edit has just made
        packet = packet_of(case, target)
        blocks = notice_blocks("done", sentence, case=case, packet=packet, around=around, undo=undo)
        self.whisper(user, target, sentence, blocks)

    def tell_claim(self, user: str, target: Target, case: Case) -> None:
        """Packets offer Release now, so more time is asked for from here."""
        sentence = claim_sentence(case)
        packet = packet_of(case, target)
        blocks = notice_blocks("done", sentence, case=case, packet=packet, again=case.claim is not None)
        self.whisper(user, target, sentence, blocks)

    def tell_refused(self, user: str, target: Target, sentence: str) -> None:
        case = self.case(target.case_id)
        if case is None or case.assessment is None:
            self.whisper(user, target, sentence, notice_blocks("refused", sentence))
            return
        packet = packet_of(case, target)
        blocks = notice_blocks("refused", sentence, case=case, packet=packet, around=self.around(case))
        self.whisper(user, target, sentence, blocks)


def done_sentence(case: Case, around: Surroundings) -> str:
    """What a decision came to, as its maker wants to know it."""
    delay = case.assessed.send_delay
    match case.state:
        case "approved":
            return f"Your approval is recorded. The reply goes out in {delay:g} s."
        case "sending" | "sent":
            return "Your approval is recorded. The reply is on its way to the customer."
        case "awaiting_signoff":
            return f"Your approval is recorded. The reply still needs a sign-off by {waiting_for(case, around)}."
        case "rejected":
            return "Rejected. The ticket goes back to the team with your reason."
        case "pending" if case.approvals:
            return f"Your approval is recorded. The case still waits for {waiting_for(case, around)}."
        case "pending":
            return "Recorded. The case waits for a decision again; nothing was sent."
        case _:
            return f"Recorded. The case is {case.state} now."


def overridden_sentence(case: Case) -> str:
    if case.blocking:
        return "Recorded. A second person has to give their word too before this text can be approved."
    return "Recorded. The guardrail is lifted for exactly this text, which still has to be approved."


def reassessed_sentence(case: Case, around: Surroundings) -> str:
    if case.state == "blocked":
        return "Reassessed. There is nobody who could decide on it now."
    asked = f"{waiting_for(case, around)} in #{case.assessed.route.channel}"
    kept = "approvals given before stand" if case.approvals else "no approval stands"
    return f"Reassessed: {case.assessed.tier} risk. It waits for {asked}; {kept}."


def claim_sentence(case: Case) -> str:
    if case.claim is None:
        return "Released. The others can act on the case again."
    until = until_words(case.claim)
    return f"You have this case until {until}; others who want to act on it are told so. Claim it again for more time."


def by_risk(case: Case) -> tuple[int, datetime]:
    """Sorts the highest risk first, then the oldest."""
    return (-TIERS.index(case.assessed.tier), case.created_at)


def click_of(body: Payload) -> Click:
    container = body.get("container") or {}
    return Click(
        trigger=str(body.get("trigger_id") or ""),
        channel=str((body.get("channel") or {}).get("id") or container.get("channel_id") or ""),
        ts=str((body.get("message") or {}).get("ts") or container.get("message_ts") or ""),
    )


def place_of(body: Payload) -> dict[str, str]:
    """Where to answer: fields of a Target. A click in a thread is answered in that thread."""
    click = click_of(body)
    thread = (body.get("message") or {}).get("thread_ts") or (body.get("container") or {}).get("thread_ts") or ""
    return {
        "channel": click.channel,
        "ts": click.ts,
        "thread": str(thread) if thread != click.ts else "",
        "response_url": str(body.get("response_url") or ""),
        "home": "1" if (body.get("view") or {}).get("type") == "home" else "",
    }


def user_of(body: Payload) -> str:
    return str((body.get("user") or {}).get("id") or body.get("user_id") or "")


def packet_of(case: Case, target: Target) -> Packet | None:
    return case.packet(target.packet) or (case.packets[0] if case.packets else None)
