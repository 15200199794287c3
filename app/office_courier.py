"""Brings to Slack what is about the whole workspace: boards about policy changes, notices. The rules are the courier's.

What a notice says is `blocks.announcements`' business; a new kind needs a line there and nothing here.
"""

from __future__ import annotations

from app.core.effects import BoardPost, BoardUpdate, ChannelNotice, PersonalNotice
from app.core.office import (
    AnyOfficeReceipt,
    Board,
    BoardShown,
    NoticeDelivered,
    NoticeLost,
    Office,
    Proposal,
    differences,
)
from app.engine import Engine
from app.ports.errors import Found, GiveUp
from app.ports.slack import SlackPort
from blocks.announcements import announcement
from blocks.board import board_message
from blocks.surface import SlackMessage, Surroundings, surroundings_of
from db.outbox import ClaimedDelivery


class OfficeCourier:
    def __init__(self, engine: Engine, slack: SlackPort) -> None:
        self.engine = engine
        self.slack = slack

    def parcel(self, delivery: ClaimedDelivery) -> OfficeParcel:
        self.engine.follow()  # another replica may have put a policy in force
        return OfficeParcel(self, delivery, self.engine.office())

    def around(self) -> Surroundings:
        return surroundings_of(self.engine.policy, self.engine.people())

    def channel(self, name: str) -> str:
        return self.engine.people().channels.get(name, name)

    def board_message(self, board: Board, office: Office) -> SlackMessage:
        """As it stands now. What stored cases would have done is worth the time only while it is to be decided."""
        engine, candidate = self.engine, board.candidate
        can_roll_back = bool(office.previous) and office.active == candidate.snapshot
        if not board.ended:
            proposal = engine.proposal(board.was, candidate.snapshot)
            return board_message(board, proposal, engine.missing(candidate), self.around())
        old, new = engine.policy_of(board.was), engine.policy_of(candidate.snapshot)
        proposal = Proposal(differences=differences(old, new))
        return board_message(board, proposal, (), self.around(), can_roll_back=can_roll_back)


class OfficeParcel:
    """A delivery together with the office as that stands now."""

    def __init__(self, courier: OfficeCourier, delivery: ClaimedDelivery, office: Office) -> None:
        self.courier = courier
        self.delivery = delivery
        self.office = office

    def send(self) -> AnyOfficeReceipt:
        effect, slack = self.delivery.effect, self.courier.slack
        match effect:
            case BoardPost() | BoardUpdate():
                return self._show(effect)
            case ChannelNotice():
                message = announcement(effect, self.courier.around())
                where = self.courier.channel(effect.channel)
                result = slack.post(self.delivery.id, where, message.text, message.blocks, message.metadata)
            case PersonalNotice():
                message = announcement(effect, self.courier.around())
                result = slack.direct(self.delivery.id, effect.user, message.text, message.blocks, message.metadata)
            case _:
                raise GiveUp(f"{type(effect).__name__} without a case", "Report this: it should not be in the outbox.")
        return NoticeDelivered(delivery=self.delivery.id, remote_id=result.remote_id)

    def _show(self, effect: BoardPost | BoardUpdate) -> AnyOfficeReceipt:
        """Post or update a board. What Slack shows already is not sent again."""
        board = self.office.board(effect.board)
        if board is None or (board.ts is None and isinstance(effect, BoardUpdate)):
            return NoticeDelivered(delivery=self.delivery.id, remote_id="skipped")
        message = self.courier.board_message(board, self.office)
        slack = self.courier.slack
        if board.ts is None:
            where = self.courier.channel(board.channel)
            result = slack.post(self.delivery.id, where, message.text, message.blocks, message.metadata)
        elif board.shown == message.digest:
            return NoticeDelivered(delivery=self.delivery.id, remote_id="shown")
        else:
            result = slack.update(board.channel_id, board.ts, message.text, message.blocks, message.metadata)
        return self._shown(board, result.channel_id, result.ts, message.digest)

    def look(self) -> AnyOfficeReceipt | bool:
        effect, slack = self.delivery.effect, self.courier.slack
        since = self.delivery.first_at or self.delivery.created_at
        match effect:
            case BoardPost():
                board = self.office.board(effect.board)
                if board is None:
                    return True
                where = board.channel_id or self.courier.channel(board.channel)
                found, ts = slack.find_posted(self.delivery.id, where, None, since)
                # a second post is a nuisance, a missing one is a change that nobody signs
                return self._shown(board, where, ts, "") if found is Found.YES else True
            case ChannelNotice():
                found, ts = slack.find_posted(self.delivery.id, self.courier.channel(effect.channel), None, since)
            case PersonalNotice():
                found, ts = slack.find_direct(self.delivery.id, effect.user, since)
            case _:
                return True  # an update does no harm twice
        return NoticeDelivered(delivery=self.delivery.id, remote_id=ts) if found is Found.YES else True

    def _shown(self, board: Board, channel_id: str, ts: str, digest: str) -> BoardShown:
        return BoardShown(delivery=self.delivery.id, board=board.key, channel_id=channel_id, ts=ts, digest=digest)

    def gave_up(self, error: str, remedy: str, _code: str = "", /) -> AnyOfficeReceipt:
        return NoticeLost(delivery=self.delivery.id, error=error, remedy=remedy)

    def parked(self, error: str, look_at: str = "") -> AnyOfficeReceipt:
        """Said once too often it harms nobody, but whether it was said, a person has to look."""
        return NoticeLost(delivery=self.delivery.id, error=error, remedy=f"Look at {look_at or 'the channel'} first.")
