"""Messages about policy changes in their owners' channel: posted once, kept true, buttons gone when it is over."""

from __future__ import annotations

from typing import Literal

from msgspec.structs import replace

from app.core.effects import BoardPost, BoardUpdate, Settlement
from app.core.errors import Refused
from app.core.office.change import OfficeChange
from app.core.office.values import Board, BoardShown, Candidate

KEPT = 20


def open_board(change: OfficeChange, candidate: Candidate) -> None:
    channel = change.world.policy_channel
    if not channel:
        return
    key = f"b{change.office.version + 1}"
    board = Board(key=key, channel=channel, candidate=candidate, was=change.office.active)
    change.set(boards=(*change.office.boards, board)[-KEPT:])
    change.send(BoardPost(board=key))


def follow_candidate(change: OfficeChange) -> None:
    """Show who has signed so far."""
    candidate = change.office.candidate
    if candidate is not None:
        _update(change, candidate.snapshot, candidate=candidate)


def close_board(
    change: OfficeChange,
    snapshot: str,
    ended: Literal["active", "declined", "taken_back", "replaced"],
    *,
    by: str = "",
    reason: str = "",
    candidate: Candidate | None = None,
) -> None:
    more = {"candidate": candidate} if candidate else {}
    _update(change, snapshot, ended=ended, by=by, reason=reason, at=change.now, **more)


def _update(change: OfficeChange, snapshot: str, **fields: object) -> None:
    for board in change.office.boards:
        if board.candidate.snapshot == snapshot and not board.ended:
            now = replace(board, **fields)
            change.set(boards=tuple(now if b.key == board.key else b for b in change.office.boards))
            change.send(BoardUpdate(board=board.key))


def shown(change: OfficeChange, command: BoardShown) -> None:
    board = change.office.board(command.board)
    if board is None:
        raise Refused("no_board", f"There is no message {command.board} any more.")
    now = replace(board, channel_id=command.channel_id, ts=command.ts, shown=command.digest)
    change.set(boards=tuple(now if b.key == board.key else b for b in change.office.boards))
    change.record(
        "PolicyPosted" if board.ts is None else "PolicyPostUpdated",
        snapshot=board.candidate.snapshot,
        channel=board.channel,
        channel_id=command.channel_id,
        ts=command.ts,
        digest=command.digest,
    )
    change.settle(Settlement(delivery=command.delivery, status="done"))
