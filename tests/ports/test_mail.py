"""Mail by SMTP: what leaves, and what becomes of a refusal."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from app.ports.errors import GiveUp, Misconfigured, RetryLater
from app.ports.mail import MailPort, MailServer, mail_server
from tests.ports.smtp_far_end import SmtpFarEnd, smtp_far_end


@pytest.fixture
def far() -> Iterator[SmtpFarEnd]:
    with smtp_far_end() as far:
        yield far


def port(far: SmtpFarEnd, credentials: str = "") -> MailPort:
    return MailPort(mail_server(f"smtp://{credentials}127.0.0.1:{far.port}?from=countersign@example.com"))


def test_a_url_says_all_there_is_to_know() -> None:
    assert mail_server("smtp://u%40example.com:p%3Aw@mail.example") == MailServer(
        host="mail.example", port=587, tls=False, user="u@example.com", password="p:w", sender="u@example.com"
    )
    server = mail_server("smtps://mail.example:4650?from=countersign@example.com")
    assert (server.port, server.tls, server.sender) == (4650, True, "countersign@example.com")


@pytest.mark.parametrize(
    "url", ["mail.example", "http://mail.example?from=a@b.c", "smtp://mail.example", "smtp://m:x?from=a@b.c"]
)
def test_a_bad_url_names_the_setting_and_never_itself(url: str) -> None:
    with pytest.raises(Misconfigured) as refused:
        mail_server(url)
    assert refused.value.setting == "COUNTERSIGN_SMTP_URL"
    assert url not in str(refused.value)


def test_one_message_for_all_with_the_addresses_hidden(far: SmtpFarEnd) -> None:
    port(far).send(["a@example.com", "b@example.com"], "Waiting", "Three cases wait.\n")
    ((to, mail),) = far.mails
    assert to == ["a@example.com", "b@example.com"]
    assert (mail["Subject"], mail["From"]) == ("Waiting", "countersign@example.com")
    assert mail.get_content().strip() == "Three cases wait."
    assert "a@example.com" not in mail.as_string()


def test_a_busy_server_is_asked_later_and_a_refusal_is_final(far: SmtpFarEnd) -> None:
    far.refusals = ["451 busy", "554 no"]
    with pytest.raises(RetryLater):
        port(far).send(["a@example.com"], "s", "t")
    with pytest.raises(GiveUp):
        port(far).send(["a@example.com"], "s", "t")


def test_a_server_that_is_not_there_is_asked_later() -> None:
    with smtp_far_end() as far:
        gone = port(far)
    with pytest.raises(RetryLater):
        gone.send(["a@example.com"], "s", "t")


def test_no_password_goes_out_in_the_clear(far: SmtpFarEnd) -> None:
    with pytest.raises(GiveUp) as refused:
        port(far, "user:secret@").send(["a@example.com"], "s", "t")
    assert "TLS" in str(refused.value)
    assert not [line for line in far.heard if line.upper().startswith("AUTH")]
