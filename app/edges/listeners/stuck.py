"""`/approvals failed`: what is stuck on its way out, and another try by who may (DL1)."""

from __future__ import annotations

from app.core.errors import Refused
from app.core.messages import RedriveDelivery
from app.core.receipts import SETTLERS
from app.edges.listeners.shared import Desk, Payload, Target, click_of
from blocks.stuck import StuckRow, stuck_message
from blocks.surface import SlackMessage

SHOWN = 10


class StuckDesk:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def message(self, user: str) -> SlackMessage:
        now = self.desk.engine.clock.now()
        rows = []
        with self.desk.engine.store.reading() as reader:
            found = reader.deliveries("dead", "indeterminate", limit=SHOWN + 1, newest=True)
            for delivery in found[:SHOWN]:
                case = reader.case(delivery.case_id)
                if case is not None:
                    since = delivery.settled_at or delivery.created_at
                    rows.append(
                        StuckRow(
                            delivery=delivery.id,
                            effect=type(delivery.effect).__name__,
                            dead=delivery.status == "dead",
                            error=delivery.error,
                            age=(now - since).total_seconds(),
                            case=case,
                        )
                    )
        may = bool(self.desk.engine.people().roles_of(user) & set(SETTLERS))
        return stuck_message(rows, self.desk.surroundings(), may=may, more=len(found) > SHOWN)

    def again(self, body: Payload, target: Target, user: str) -> None:
        """Raises Refused and NotStored."""
        with self.desk.engine.store.reading() as reader:
            delivery = reader.delivery(target.delivery)
        if delivery is None or delivery.case_id != target.case_id:
            raise Refused("no_delivery", "There is no such delivery any more.")
        if delivery.status != "dead":
            raise Refused("not_failed", f"This delivery is {delivery.status} now, so there is nothing to try again.")
        again = RedriveDelivery(
            case_id=target.case_id,
            by=f"slack:{user}",
            delivery=delivery.id,
            effect=delivery.effect,
            click=click_of(body),
        )
        self.desk.do(again)
        self.desk.whisper(user, target, "It goes out again now. /approvals failed shows it if it fails once more.")
