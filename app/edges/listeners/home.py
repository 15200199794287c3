"""App Home: published when its viewer opens it, and again after what they did there."""

from __future__ import annotations

from datetime import timedelta

from app.core.case import Case, Submitter
from app.edges.listeners.delegating import DelegationDesk
from app.edges.listeners.queues import team_figures
from app.edges.listeners.shared import Desk
from blocks.delegations import delegation_sentence
from blocks.figures import short_figures
from blocks.home import SUBMITTED, home_view

SUBMITTED_SINCE = timedelta(days=14)


class Home:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def show(self, user: str) -> None:
        self.desk.later(lambda: self._publish(user))

    def _publish(self, user: str) -> None:
        desk = self.desk
        may = desk.engine.people().find(user).may_decide
        around = desk.surroundings()
        view = home_view(
            user,
            desk.waiting_for(user),
            around,
            delegations=[delegation_sentence(user, one, around) for one in DelegationDesk(desk).of(user)],
            submitted=self._submitted(user),
            figures=short_figures(*team_figures(desk)) if may else (),
            may_submit=may,
        )
        desk.slack.publish_home(user, view)

    def _submitted(self, user: str) -> list[Case]:
        """By any of this person's accounts."""
        people = self.desk.engine.people()
        person = people.find(user)
        accounts = {user, *(one.user_id for one in people.persons.values() if one.keys & person.keys)}
        names = [Submitter(slack_user=account) for account in sorted(accounts)]
        names += [Submitter(email=person.email)] if person.email else []
        with self.desk.engine.store.reading() as reader:
            return reader.submitted_by(names, self.desk.engine.clock.now() - SUBMITTED_SINCE, SUBMITTED)
