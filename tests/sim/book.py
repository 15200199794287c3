"""What holds for the whole workspace, as an outsider knows it: the policy in force, and where AI text is paused."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime

import msgspec

from tests.sim.directory import human
from tests.sim.policies import Variant, variant_of

EVERYWHERE = ""
SIGNERS = 2
EVERYDAY = ("support-review",)  # one person may resume here; elsewhere it takes two


class Violation(BaseException):
    """An invariant does not hold; the message says which, in words. Nothing of ours may catch it."""


class Leaving(msgspec.Struct, frozen=True, kw_only=True):
    """How things stood when a delivery left the gate. What was being switched at that moment counts as not paused."""

    at: datetime
    paused: frozenset[str]
    in_force: Variant


class Book:
    def __init__(self, first: Variant, at: datetime) -> None:
        self.in_force = first
        self.policies: list[tuple[datetime, Variant]] = [(at, first)]
        self.paused: dict[str, str] = {}  # queue → human being who asked to resume it
        self.pauses: list[tuple[datetime, str]] = []
        self.signers: dict[str, set[str]] = {}
        self._previous: Variant | None = None
        self._switching: set[str] = set()

    # --- the policy ----------------------------------------------------------------------------------------------

    def stands(self, snapshot: str, at: datetime, *, returned: bool = False) -> str:
        """After something was done about policies this one is in force; says so when it is another one."""
        before, now = self.in_force, variant_of(snapshot)
        if now is before:
            return ""
        signers = self.signers.pop(snapshot, set())
        if len(signers) < SIGNERS and not before.autoload and not (returned and now is self._previous):
            raise Violation(f"The policy {now.name} came into force with {len(signers)} person(s) signing it.")
        self.in_force, self._previous = now, before
        self.policies.append((at, now))
        return now.name

    def signed(self, snapshot: str, user: str) -> None:
        self.signers.setdefault(snapshot, set()).add(human(user))

    def waits(self, snapshot: str) -> None:
        """Only this one waits for signatures now: what was said about another one is void."""
        self.signers = {known: who for known, who in self.signers.items() if known == snapshot}

    def since(self, at: datetime) -> list[Variant]:
        """What was in force at `at`, and everything since."""
        before = [variant for since, variant in self.policies if since <= at]
        return [*before[-1:], *(variant for since, variant in self.policies if since > at)]

    # --- the switch ----------------------------------------------------------------------------------------------

    def leaving(self, at: datetime) -> Leaving:
        return Leaving(at=at, paused=frozenset(set(self.paused) - self._switching), in_force=self.in_force)

    def is_switching(self, queue: str) -> bool:
        return queue in self._switching

    @contextmanager
    def switching(self, queue: str) -> Iterator[None]:
        self._switching.add(queue)
        try:
            yield
        finally:
            self._switching.discard(queue)

    def pause(self, queue: str, at: datetime) -> None:
        self.paused[queue] = ""
        self.pauses.append((at, queue))

    def resume(self, queue: str, user: str) -> bool:
        """Whether AI text may go on; a second person has to ask for it where much is at stake."""
        if queue in EVERYDAY or self.paused[queue] not in ("", human(user)):
            del self.paused[queue]
            return True
        self.paused[queue] = human(user)
        return False

    def was_paused(self, queue: str, since: datetime) -> bool:
        return bool({EVERYWHERE, queue} & {*self.paused, *(q for at, q in self.pauses if at >= since)})
