"""What can happen in one step: people, callers, operators, processes and time, each by a method of its own."""

from __future__ import annotations

from contextlib import suppress
from datetime import timedelta

import msgspec

from app.core.effects import Click
from app.core.errors import Refused
from app.core.messages import AddCustomerMessage, AddNote, ReceiveCase, RedriveDelivery
from app.core.office import RedriveNotice
from app.dispatch import DESTINATIONS
from app.engine import Remember
from db.outbox import Delivery
from tests.sim import scenery
from tests.sim.duty import DutySteps
from tests.sim.ledger import Asked
from tests.sim.replica import Crash

# How often each kind of step comes.
WEIGHTS = {
    "dispatch": 32.0,
    "click": 16.0,
    "right click": 16.0,
    "tick": 11.0,
    "sweep": 9.0,
    "case": 2.5,
    "old click": 6.0,
    "form": 4.0,
    "forged click": 2.0,
    "undo": 2.5,
    "draft": 2.0,
    "message": 0.8,
    "withdraw": 0.5,
    "action result": 1.0,
    "note": 0.6,
    "jump": 1.2,
    "crash": 0.8,
    "outage": 0.8,
    "checkpoint": 1.2,
    "redrive": 1.2,
    "race": 2.5,
    "reopen": 3.0,
    "people": 4.0,
    "policy": 0.5,
    "sign policy": 4.0,
    "pause": 1.0,
    "resume": 1.2,
    "gap": 3.0,
    "downtime": 0.4,
    "delegate": 3.0,
    "deputy": 3.0,
    "stand in": 2.5,
    "lift": 1.0,
    "tidy": 1.5,
    "reassess": 2.5,
    "take out": 0.4,
    "audit": 1.5,
    "reconcile": 2.0,
    "loss": 1.0,
}


class Steps(DutySteps):
    """The steps of a simulation, which says what they act on."""

    seed: int
    intakes: list[tuple[ReceiveCase, Remember]]
    dead_letters: list[Delivery]
    _case_number: int

    def do(self, kind: str) -> None:
        getattr(self, f"_do_{kind.replace(' ', '_')}")()

    def _some_case(self) -> str:
        return self.random.choice(self.names[-4:]) if self.names else "c_nobody"

    def _do_case(self, scene: str = "") -> None:
        """A new case, or a caller's retry of an earlier one under its Idempotency-Key; `scene` asks for a new one."""
        if not scene and self.intakes and self.random.random() < 0.15:
            command, remember = self.random.choice(self.intakes)
            command = msgspec.structs.replace(command, case_id=self._new_name())
            asked = self.asked(command)
            if self.tell(command, remember) is not None:
                self._opened(asked, command)
            return
        scene, command = scenery.a_new_case(self.random, self._new_name(), self.clock.now(), scene)
        remember = Remember(key=command.case_id, digest=command.case_id, answer=lambda case: case.id.encode())
        self.intakes.append((command, remember))
        self.say(f"a case comes in: {scene}, on ticket {command.ticket.id}")
        asked = self.asked(command)
        try:
            self.tell(command, remember)
        finally:
            self._opened(asked, command)

    def _new_name(self) -> str:
        self._case_number += 1
        return f"c_{self.seed}n{self._case_number:02}"

    def _opened(self, asked: Asked, command: ReceiveCase) -> None:
        """In the books once it is stored; what it replaced is not to be answered any more."""
        case = self.look(command.case_id)
        if case is None or command.case_id in self.names:
            return
        self.names.append(command.case_id)
        for other in self.ledger.accounts.values():
            if other.command.ticket.id == command.ticket.id:
                other.replaced, other.replaced_at = True, self.clock.now()
        self.ledger.opened(asked, command, case)

    def _do_message(self) -> None:
        case = self.look(self._some_case())
        if case is None:
            return
        command = scenery.a_message_for(self.random, case.id, self._new_name(), self.clock.now())
        assert isinstance(command, AddCustomerMessage)
        with self.replica.store.reading() as reader:
            standing = reader.open_case_for_ticket(case.ticket.id) or case
        if standing.id not in self.ledger.accounts:
            return  # its intake is still waiting for the answer
        known = self.ledger.accounts[standing.id].command
        fresh = msgspec.structs.replace(known, case_id=command.new_case_id, draft=None, deadline=None)
        asked = self.asked(command)
        try:
            self.tell(command)
        finally:
            self._opened(asked, fresh)
            self.ledger.goes_on_in(standing.id, fresh.case_id)

    def _do_draft(self) -> None:
        self.tell(scenery.a_draft_for(self.random, self._some_case()))

    def _do_withdraw(self) -> None:
        self.tell(scenery.a_withdrawal(self.random, self._some_case()))

    def _do_action_result(self) -> None:
        case = self.look(self._some_case())
        if case is not None:
            self.tell(scenery.an_action_result(self.random, case))

    def _do_note(self) -> None:
        """Somebody writes in a case's thread; Slack tells of some replies twice."""
        click = Click(channel="C1", ts=f"{self.random.randrange(3)}.1")
        note = AddNote(case_id=self._some_case(), user="UAGENT2", text="I called them.", click=click)
        for _ in range(self.random.choice((1, 2))):
            self.tell(note)

    def _do_click(self) -> None:
        self.crowd.click_live(self.random)

    def _do_right_click(self) -> None:
        self.crowd.click_right(self.random)

    def _do_old_click(self) -> None:
        self.crowd.click_old(self.random)

    def _do_forged_click(self) -> None:
        self.crowd.click_forged(self.random)

    def _do_form(self) -> None:
        self.crowd.submit_form(self.random)

    def _do_undo(self) -> None:
        self.crowd.click_undo(self.random)

    def _do_reopen(self) -> None:
        self.crowd.click_reopen(self.random)

    def _do_race(self) -> None:
        """Two people click on one case at the same moment, one on each replica: both saw the same text."""
        self.crowd.click_together(self.random)

    def _do_gap(self) -> None:
        """Between an approval and its sending AI text is paused, or a stricter policy comes into force."""
        self.crowd.click_right(self.random)
        self.crowd.click_right(self.random)
        self.weather.pass_time(self.random.choice((1, 6)))
        self._do_sweep()
        if self.random.random() < 0.6:
            self._do_pause()
        else:
            self._offer("strict")
            self._do_sign_policy()
            self._do_sign_policy()
        self._do_dispatch()
        if self.random.random() < 0.5:
            self._do_resume()

    def _do_dispatch(self) -> None:
        for destination in self.random.sample(DESTINATIONS, self.random.randint(1, 4)):
            self.replica.dispatcher.step(destination)

    def _do_sweep(self) -> None:
        self.replica.sweeper.sweep()

    def _do_tick(self) -> None:
        self.weather.pass_time(self.random.choice((1, 3, 6, 20, 70, 300)))

    def _do_jump(self) -> None:
        hours = self.random.choice((0.3, 0.3, 0.6, 2.1, 5, 13, 30))
        self.say(f"{hours} hours pass")
        self.weather.pass_time(hours * 3600)

    def _do_crash(self) -> None:
        self.say("CRASH while idle")
        raise Crash("idle")

    def _do_outage(self) -> None:
        where = self.random.choice(DESTINATIONS)
        seconds = self.random.choice((30, 600, 90_000))
        self.say(f"{where} is down for {seconds} s")
        self.weather.down_until[where] = self.clock.now() + timedelta(seconds=seconds)

    def _do_checkpoint(self) -> None:
        self.replica.checkpointer.sign()

    def _do_redrive(self) -> None:
        """What `countersign deliveries redrive` does; now and then somebody repeats it, too late."""
        with self.replica.store.reading() as reader:
            self.dead_letters += [d for d in reader.deliveries("dead", limit=5) if d not in self.dead_letters]
        for delivery in self.dead_letters[-3:]:
            self.world.repeated.add(delivery.id)
            if not delivery.case_id:
                with suppress(Refused):
                    self.replica.engine.office_receipt(RedriveNotice(by="system:cli", delivery=delivery.id))
                continue
            self.tell(
                RedriveDelivery(case_id=delivery.case_id, delivery=delivery.id, by="system:cli", effect=delivery.effect)
            )
        if self.random.random() < 0.5:
            self.dead_letters.clear()
