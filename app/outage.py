"""Slack cannot be reached: roles that have addresses are written to, once an outage; cases and timers go on (OP6)."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from datetime import timedelta

from app.core.case import Case
from app.core.office import MarkSlack, Office
from app.core.stages import roles_at
from app.dispatch import Dispatcher
from app.engine import Engine, where
from app.ports.errors import PortError, RetryLater
from app.ports.mail import MailPort

log = logging.getLogger("countersign.outage")

ACTOR = "system:outage"
EVERY = timedelta(seconds=10)
PATIENCE = timedelta(minutes=2)  # before anybody is written to: most outages are shorter
MOST_LISTED = 50
MOST_LOOKED_AT = 500


class OutageWatch:
    """`mail` is None where no mail server is set: the outage is recorded all the same."""

    def __init__(self, engine: Engine, dispatcher: Dispatcher, mail: MailPort | None) -> None:
        self.engine = engine
        self.dispatcher = dispatcher
        self.mail = mail
        self._unsent: dict[str, tuple[Case, ...]] = {}

    def tick(self) -> None:
        try:
            self._look()
            for role in list(self._unsent):
                self._write(role)
        except Exception as error:
            log.error("looking after an outage stumbled: %s", where(error))

    def _look(self) -> None:
        office = self.engine.office()
        since, reached = self.dispatcher.unreachable_since("slack"), self.dispatcher.reached_at("slack")
        if since is not None and self.dispatcher.clock.now() - since >= PATIENCE:
            self._lost(office, MarkSlack(by=ACTOR, lost_at=since, roles=()))
        elif office.slack_lost_at and since is None and reached is not None and reached > office.slack_lost_at:
            self._unsent.clear()
            if self.engine.note(MarkSlack(by=ACTOR, lost_at=None)):
                log.warning("Slack can be reached again")

    def _lost(self, office: Office, mark: MarkSlack) -> None:
        waiting = {r: cases for r, cases in self._waiting().items() if r not in office.slack_told}
        roles = tuple(sorted(waiting)) if self.mail else ()
        if not self.engine.note(MarkSlack(by=mark.by, lost_at=mark.lost_at, roles=roles)):
            return
        if office.slack_lost_at is None:
            log.error("Slack cannot be reached; cases come in and timers run, packets follow when it is back")
        if self.mail:
            self._unsent |= waiting

    def _waiting(self) -> Mapping[str, tuple[Case, ...]]:
        """Cases that wait for each role that has addresses, highest risk first; roles without any left out."""
        found: dict[str, tuple[Case, ...]] = {}
        with self.engine.store.reading() as reader:
            for role, spec in self.engine.policy.roles.items():
                if spec.emails:
                    queue = reader.next_in_queue(spec.channel, MOST_LOOKED_AT)
                    if cases := tuple(case for case in queue if role in roles_at(case, case.stage)):
                        found[role] = cases
        return found

    def _write(self, role: str) -> None:
        spec, cases = self.engine.policy.roles.get(role), self._unsent[role]
        if self.mail is None or spec is None or not spec.emails:
            del self._unsent[role]
            return
        try:
            self.mail.send(spec.emails, subject(cases), text(cases, spec.title))
        except RetryLater as later:
            log.warning("role %s is not written to yet: %s", role, later.code or later.reason)
            return
        except PortError as error:
            log.error("role %s could not be written to: %s", role, error)
        del self._unsent[role]


def subject(cases: tuple[Case, ...]) -> str:
    return f"Countersign: Slack cannot be reached, {len(cases)} waiting"


def text(cases: tuple[Case, ...], title: str) -> str:
    """Ids, tiers, queues and times: nothing of a customer leaves this way."""
    lines = [
        f"{case.id}  {case.assessed.tier}  #{case.assessed.route.channel}  since {case.created_at:%Y-%m-%d %H:%M} UTC"
        for case in cases[:MOST_LISTED]
    ]
    more = [f"and {len(cases) - MOST_LISTED} more"] if len(cases) > MOST_LISTED else []
    head = (
        f"Countersign cannot reach Slack. These cases wait for {title}.\n"
        "Nothing is sent without you: packets appear in Slack when it is back, highest risk first.\n"
    )
    return "\n".join([head, *lines, *more, ""])
