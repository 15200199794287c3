"""A mail server on a real socket that keeps what it was given, and can refuse."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import cast


@dataclass
class SmtpFarEnd:
    """`refusals` are answered instead of 250 to the next messages; `heard` is every command line."""

    port: int = 0
    refusals: list[str] = field(default_factory=list)
    mails: list[tuple[list[str], EmailMessage]] = field(default_factory=list)
    heard: list[str] = field(default_factory=list)


class _Talk(socketserver.StreamRequestHandler):
    far: SmtpFarEnd

    def handle(self) -> None:
        to: list[str] = []
        self._say("220 far end")
        while line := self.rfile.readline().decode().strip():
            self.far.heard.append(line)
            word = line.split(" ")[0].upper()
            if word == "RCPT":
                to.append(line.partition("<")[2].partition(">")[0])
            if word == "QUIT":
                self._say("221 bye")
                return
            if word == "DATA":
                self._say("354 go on")
                body = b"".join(iter(self.rfile.readline, b".\r\n"))
                refusal = self.far.refusals.pop(0) if self.far.refusals else ""
                if not refusal:
                    mail = message_from_bytes(body, policy=policy.default)
                    self.far.mails.append((list(to), cast(EmailMessage, mail)))
                self._say(refusal or "250 taken")
            else:
                self._say("250 far end")

    def _say(self, answer: str) -> None:
        self.wfile.write(f"{answer}\r\n".encode())


@contextmanager
def smtp_far_end() -> Iterator[SmtpFarEnd]:
    far = SmtpFarEnd()
    talk = type("Talk", (_Talk,), {"far": far})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), talk) as server:
        far.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield far
        server.shutdown()
        thread.join()
