"""Messages about policy changes in their owners' channel: posted once, kept true, buttons gone when it is over."""

from __future__ import annotations

from typing import Any

from msgspec.structs import replace

from app.core.effects import BoardPost, BoardUpdate, Settlement
from app.core.errors import Refused
from app.core.office.change import OfficeChange
from app.core.office.values import Board, BoardEnd, BoardShown, Candidate

KEPT = 20


def open_board(change: OfficeChange, candidate: Candidate) -> None:
    channel = change.world.policy_channel
    if not channel:
        return
    key = f"b{change.office.version + 1}"
    board = Board(key=key, channel=channel, candidate=candidate, was=change.office.active)
    change.set(boards=(*_worth_keeping(change), board))
    change.send(BoardPost(board=key))


def follow_candidate(change: OfficeChange) -> None:
    """Show who has signed so far."""
    candidate = change.office.candidate
    if candidate is not None:
        _update(change, _newest(change, candidate.snapshot), candidate=candidate)


def close_board(
    change: OfficeChange, candidate: Candidate, ended: BoardEnd, *, by: str = "", reason: str = "", then: str = ""
) -> None:
    board = _newest(change, candidate.snapshot)
    _update(change, board, candidate=candidate, ended=ended, by=by, reason=reason, then=then, at=change.now)


def supersede_board(change: OfficeChange, snapshot: str, then: str) -> None:
    """What was in force until now is so no more: `then` is."""
    _update(change, _newest(change, snapshot, "active"), ended="superseded", then=then, at=change.now)


def roll_boards_back(change: OfficeChange, by: str, reason: str) -> None:
    """The change that came into force last is taken back, and the one before it is in force again."""
    office = change.office
    told: dict[str, Any] = {"by": by, "reason": reason, "at": change.now}
    _update(change, _newest(change, office.active, "active"), ended="rolled_back", then=office.previous, **told)
    _update(change, _newest(change, office.previous, "superseded"), ended="active", then="", **told)


def shown(change: OfficeChange, command: BoardShown) -> None:
    board = change.office.board(command.board)
    if board is None:
        raise Refused("no_board", f"There is no message {command.board} any more.")
    now = replace(board, channel_id=command.channel_id, ts=command.ts, shown=command.digest)
    _put(change, now)
    change.record(
        "PolicyPosted" if board.ts is None else "PolicyPostUpdated",
        snapshot=board.candidate.snapshot,
        channel=board.channel,
        channel_id=command.channel_id,
        ts=command.ts,
        digest=command.digest,
    )
    change.settle(Settlement(delivery=command.delivery, status="done"))


def _newest(change: OfficeChange, snapshot: str, standing: str = "") -> Board | None:
    """The newest message about this policy that stands so; a policy may have been offered before."""
    boards = reversed(change.office.boards)
    return next((b for b in boards if b.candidate.snapshot == snapshot and b.ended == standing), None)


def _update(change: OfficeChange, board: Board | None, **fields: Any) -> None:
    if board is not None:
        _put(change, replace(board, **fields))
        change.send(BoardUpdate(board=board.key))


def _put(change: OfficeChange, board: Board) -> None:
    change.set(boards=tuple(board if b.key == board.key else b for b in change.office.boards))


def _worth_keeping(change: OfficeChange) -> tuple[Board, ...]:
    """The newest, and those that may still change: what is in force, and what a rollback returns to."""
    office = change.office
    alive = {office.active, office.previous}
    newest = office.boards[1 - KEPT :]
    return tuple(b for b in office.boards if b in newest or b.candidate.snapshot in alive)
