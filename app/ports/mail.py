"""Mail to approvers while Slack cannot be reached (OP6), by SMTP."""

from __future__ import annotations

import smtplib
import socket
import ssl
from collections.abc import Sequence
from email.message import EmailMessage
from email.utils import formatdate, make_msgid
from urllib.parse import parse_qs, unquote, urlsplit

import msgspec

from app.ports.errors import GiveUp, Misconfigured, RetryLater

SETTING = "COUNTERSIGN_SMTP_URL"
TIMEOUT = 10.0
_PORTS = {"smtp": 587, "smtps": 465}


class MailServer(msgspec.Struct, frozen=True, kw_only=True):
    host: str
    port: int
    tls: bool
    user: str
    password: str
    sender: str


def mail_server(url: str) -> MailServer:
    """From `smtp://user:password@host:587?from=countersign@example.com`, or `smtps://`. Raises Misconfigured."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError:
        raise Misconfigured(SETTING, "is not a URL") from None
    if parts.scheme not in _PORTS or not parts.hostname:
        raise Misconfigured(SETTING, "must read smtp://host or smtps://host, with user, password and port where needed")
    user = unquote(parts.username or "")
    sender = parse_qs(parts.query).get("from", [user])[0]
    if sender.count("@") != 1 or any(c.isspace() or c in "<>,;" for c in sender):
        raise Misconfigured(SETTING, "names no sender: add ?from= and an e-mail address at its end")
    return MailServer(
        host=parts.hostname,
        port=port or _PORTS[parts.scheme],
        tls=parts.scheme == "smtps",
        user=user,
        password=unquote(parts.password or ""),
        sender=sender,
    )


class MailPort:
    """`context` is for servers whose certificate is not one the system trusts."""

    def __init__(self, server: MailServer, *, context: ssl.SSLContext | None = None) -> None:
        self._server = server
        self._context = context

    def send(self, to: Sequence[str], subject: str, text: str) -> None:
        """One message, the addresses hidden from each other. Raises RetryLater, or GiveUp when it is refused."""
        message = EmailMessage()
        message["From"] = self._server.sender
        message["Subject"] = subject
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=self._server.sender.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(text)
        try:
            with self._connect() as connection:
                self._sign_in(connection)
                connection.send_message(message, self._server.sender, list(to))
        except smtplib.SMTPResponseException as refused:
            code = str(refused.smtp_code)
            if code.startswith("4"):
                raise RetryLater("the mail server asks for patience", code=code) from None
            raise GiveUp("The mail server refused the message", f"Check {SETTING}", code=code) from None
        except smtplib.SMTPRecipientsRefused:
            raise GiveUp("The mail server refused every address", "Check emails: in roles.yaml") from None
        except (smtplib.SMTPException, OSError) as fault:
            raise RetryLater("the mail server cannot be reached", code=type(fault).__name__) from None

    def _connect(self) -> smtplib.SMTP:
        server = self._server
        context = self._context or ssl.create_default_context()
        name = socket.gethostname() or "localhost"
        if server.tls:
            return smtplib.SMTP_SSL(server.host, server.port, name, timeout=TIMEOUT, context=context)
        return smtplib.SMTP(server.host, server.port, name, timeout=TIMEOUT)

    def _sign_in(self, connection: smtplib.SMTP) -> None:
        """A password never goes out in the clear."""
        server = self._server
        connection.ehlo()
        if not server.tls and connection.has_extn("starttls"):
            connection.starttls(context=self._context or ssl.create_default_context())
            connection.ehlo()
        elif not server.tls and server.password:
            raise GiveUp("The mail server offers no TLS, so no password was sent", f"Use smtps:// in {SETTING}")
        if server.password:
            connection.login(server.user, server.password)
