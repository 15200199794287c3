"""Measures what a summary extracts, against its goals and against plain regular expressions.

python -m bench.gist [--data ../shared/data]
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec

from app.core.case import Message
from app.core.understanding.gist import read_gist
from bench.report import Rate, Report
from tests.understanding.gist_messages import AT, FIELDS, Found, Row, a_conversation, read_row, rows, score

# Labels of intent_transfer.jsonl that are a wish, in the words of a summary.
WISHES: Mapping[str, str] = {
    "delete_account": "account_closure",
    "recover_password": "password_reset",
    "get_refund": "refund",
    "track_refund": "status_update",
    "track_order": "status_update",
    "change_shipping_address": "address_change",
    "change_order": "order_change",
    "cancel_order": "cancellation",
    "check_invoice": "invoice_copy",
}
_PLAIN = {
    "order_id": re.compile(r"#?(\b(?:[A-Z]{2,4}-?)?[0-9]{5,}\b)"),
    "amount": re.compile(r"([$€£])\s?([0-9][0-9.,]*[0-9])|([0-9][0-9.,]*)\s?(EUR|USD|GBP|€|euros?|dollars)"),
    "date": re.compile(r"\b[0-9]{4}-[0-9]{2}-[0-9]{2}\b|\b[0-9]{1,2}[./][0-9]{1,2}[./][0-9]{4}\b|\byesterday\b"),
}
_PLAIN_WISHES = {
    "refund": r"refund|money back|erstatt|rembours|reembols",
    "cancellation": r"cancel|storn|kündig|annul",
    "address_change": r"address|adresse|dirección",
    "account_closure": r"(close|delete).{0,20}account|konto|compte|cuenta",
    "password_reset": r"password|passwort|mot de passe|contraseña",
    "replacement": r"replace|new one|ersatz",
    "invoice_copy": r"invoice|rechnung|facture|factura",
    "speak_to_a_person": r"manager|human|person|mitarbeiter|conseiller",
    "status_update": r"where|wo bleibt|où est|dónde",
}
_SIGNS = {"$": "USD", "€": "EUR", "£": "GBP", "euro": "EUR", "euros": "EUR", "dollars": "USD"}


def plain(row: Row) -> Found:
    """The peer: what a first afternoon's expressions find."""
    text = row["text"]
    found = {
        field: {m.group(m.re.groups and 1) for m in _PLAIN[field].finditer(text)} for field in ("order_id", "date")
    }
    found["amount"] = set()
    for sign, number, other, name in _PLAIN["amount"].findall(text):
        digits = (number or other).replace(",", "")
        found["amount"].add(f"{digits} {_SIGNS.get(sign or name, sign or name)}")
    found["asked_action"] = {wish for wish, words in _PLAIN_WISHES.items() if re.search(words, text, re.IGNORECASE)}
    return found


def labelled(report: Report, name: str, title: str) -> None:
    messages = rows(name)
    mine, other = score(messages, read_row), score(messages, plain)
    report.title(f"{title}: {len(messages)} labelled messages (beside it: plain regular expressions)")
    for field in FIELDS:
        got, peer = mine[field], other[field]
        precision, recall = Rate(got.right, got.right + got.wrong), Rate(got.right, got.right + got.missed)
        report.rate(f"{field}, precision", precision, ">= 0.9", f"peer {peer.precision:.4f}")
        report.rate(f"{field}, recall", recall, ">= 0.9", f"peer {peer.recall:.4f}")


def foreign(report: Report, data: Path) -> None:
    """Messages that nobody here wrote: short chats, often without a verb; no goal."""
    file = data / "intent_transfer.jsonl"
    if not file.exists():
        return
    found = [msgspec.json.decode(line) for line in file.read_bytes().splitlines()]
    wishes = [row for row in found if row["label"] in WISHES]
    read = [(WISHES[row["label"]], read_row(row), plain(row)) for row in wishes]
    report.title(
        f"intent_transfer: {len(wishes)} messages whose label is a wish (beside it: plain regular expressions)"
    )
    for name, index in (("it is found", 1), ("plain", 2)):
        report.rate(f"{name}", Rate.of(one[0] in one[index]["asked_action"] for one in read))
    named = [(wish, read_row_wishes) for wish, got, _ in read for read_row_wishes in got["asked_action"]]
    report.rate("what is found is the label's wish", Rate.of(wish == got for wish, got in named))


def speed(report: Report) -> None:
    report.title("speed, ms")
    message = rows("dev")[0]["text"]
    for name, text in (
        (f"{len(message)} characters", message),
        ("20,000 characters of one wish after the other", "I want a refund of 20 EUR for order 48213. " * 465),
        ("20,000 number signs", "#" * 20_000),
        ("20,000 characters of numbers in a list", "order 1234, 1235 and 1236 " * 769),
    ):
        case = a_conversation(Message(author="customer", text=text[:20_000], at=AT))
        read_gist(case)
        start = time.perf_counter()
        read_gist(case)
        report.figure(name, (time.perf_counter() - start) * 1000, "<= 500" if len(text) > 1000 else "")


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    chosen = parser.parse_args()
    report = Report()
    labelled(report, "dev", "dev")
    labelled(report, "held_out", "held out (written before the code)")
    foreign(report, chosen.data)
    speed(report)
    return report.close()


if __name__ == "__main__":
    sys.exit(main())
