"""Open, on a line of a digest: the whole packet comes into the channel, and who asked gets the way there (SL12)."""

from __future__ import annotations

from app.core.case import Case, Packet
from app.core.messages import UnfoldPacket
from app.edges.listeners.shared import Desk, Payload, Target, click_of
from blocks.kit import url_button
from blocks.notices import notice_blocks


class Unfolding:
    def __init__(self, desk: Desk) -> None:
        self.desk = desk

    def open(self, body: Payload, target: Target, user: str) -> None:
        """Raises Refused where the case is over."""
        case = self.desk.case(target.case_id)
        packet = case.packet(target.packet) if case else None
        if case and packet and packet.ts is not None and not case.is_final:
            self._tell(user, target, case, packet, f"Its packet stands in #{packet.channel} already.")
            return
        command = UnfoldPacket(case_id=target.case_id, user=user, packet=target.packet, click=click_of(body))
        case = self.desk.do(command)
        packet = case.packet(target.packet)
        if packet is not None:
            sentence = f"Its packet comes into #{packet.channel}; you get a message with the way there once it stands."
            self._tell(user, target, case, packet, sentence)

    def _tell(self, user: str, target: Target, case: Case, packet: Packet, sentence: str) -> None:
        blocks = notice_blocks("info", sentence, case=case)
        if url := self.desk.around(case).permalink(packet.channel_id, packet.ts):
            blocks.append({"type": "actions", "elements": [url_button("Open packet", "cs:open", url)]})
        self.desk.whisper(user, target, sentence, blocks)
