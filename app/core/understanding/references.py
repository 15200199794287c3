"""Order, booking, invoice, ticket and tracking references as people write them."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import chain

from app.core.understanding.hits import Hit

_KINDS = """
orders? | purchase\\ orders? | bookings? | reservations? | invoices? | tickets? | cases? | tracking | shipments?
| parcels? | packages? | consignments? | confirmations? | references? | ref\\.? | pnr | purchases? | receipts? | claims?
| rma | requests? | incidents? | bestell(?:ung(?:en)?|nummer|nr\\.?|-nr\\.?) | auftr(?:ag|äge|ags(?:nummer|nr\\.?))
| rechnung(?:en|s(?:nummer|nr\\.?))? | buchung(?:en|s(?:nummer|code|nr\\.?))? | reservierung(?:snummer)?
| sendung(?:s(?:nummer|verfolgung|nr\\.?))? | ticketnummer | vorgang(?:snummer)? | fallnummer | referenz(?:nummer)?
| paket(?:nummer)? | commandes? | factures? | réservations? | dossiers? | suivi | colis | référence | expédition
| pedidos? | facturas? | reservas? | seguimiento | localizador | referencia | envíos? | envio | incidencia | albarán
"""
_KIND = "(?:" + re.sub(r"(?<!\\)\s", "", _KINDS) + ")"
_NUMBER_WORD = r"(?:numbers?|num\.?|no\.?|nr\.?|n[°º]|ids?|code|nummer|numéros?|numero|número)"
_GAP = r"[ \t\n]{0,4}"
_LINK = rf"(?:{_GAP}(?:{_NUMBER_WORD}|is|was|are|lautet|ist|est|es|[:=(#-]|–)){{0,4}}{_GAP}"
# A word of letters, digits and marks between them; the lookahead wants a digit in it.
_CODE = r"(?=[A-Za-z_/-]{0,30}[0-9])[A-Za-z0-9](?:[A-Za-z0-9]|[-_/](?=[A-Za-z0-9])){2,39}(?![^\W_])"
_UNIT = r"(?!\s?(?:%|°|units?\b|pieces?\b|pcs\b|items?\b|people\b|contacts?\b|stück\b|pièces\b|unidades\b|x\b))"
_NOT_INSIDE = r"(?<![\w&/.@•+-])"

_LED = re.compile(rf"(?<![^\W_])(?P<kind>{_KIND})(?P<link>{_LINK})(?P<token>{_CODE}){_UNIT}", re.IGNORECASE)
_NEXT = re.compile(rf"[?.]?{_GAP}(?:,|and|&|und|et|y|or|oder|ou|\+){_GAP}(?:{_KIND}{_GAP})?#?(?P<token>{_CODE}){_UNIT}")
_NAMED_AFTER = re.compile(
    rf"{_NOT_INSIDE}(?P<token>{_CODE}) (?:is|was|ist|lautet|est|es) (?:(?:my|the|our|meine?|die|ma|mon|el|mi|notre) )?"
    rf"{_KIND}(?![^\W_])",
    re.IGNORECASE,
)
_MARKED = re.compile(rf"{_NOT_INSIDE}(?P<mark>#|{_NUMBER_WORD})[ \t:]{{0,3}}#?(?P<token>{_CODE}){_UNIT}", re.IGNORECASE)
# Forms that say by themselves what they are: a department's prefix, UPS, the postal union's, Amazon's.
_KNOWN = re.compile(
    rf"{_NOT_INSIDE}(?P<token>(?:ORD|ORDER|INV|TKT|TCK|TICKET|CASE|RMA|REF|BKG|CMD|FAC|PED|PO|SO|CS|BK|RS)"
    r"[-_]?[0-9][0-9A-Za-z/_-]{2,24}|1Z[0-9A-Z]{16}|[A-Z]{2}[0-9]{9}[A-Z]{2}|[0-9]{3}-[0-9]{7}-[0-9]{7})(?![\w-])"
)
# Booking codes may have few digits or none; they stand in capitals, in a text that is not all capitals.
_LETTERS = re.compile(
    r"(?<![^\W_])(?P<kind>(?i:bookings?|reservations?|confirmation|buchung(?:scode)?|reservierung|réservation|reserva"
    rf"|localizador)|PNR)(?i:(?: (?:under|with|the|for|of)){{0,2}}{_LINK})(?P<token>[A-Z0-9]{{5,8}})(?![^\W_])"
)
# Numbers that belong to somebody or something else.
_OTHERS = re.compile(
    r"(?:customer|client|kunden|cliente|member|account|konto|compte|cuenta|tax|vat|phone|tel|telephone|mobile|fax|serial"
    r"|model|error|fehler|card|karte|carte|tarjeta|door|apt|apartment|flat|room|unit|suite|building|code|promo|voucher"
    r"|coupon|iban|zip|postal|size|page|step|version|build)[ .:(-]{0,3}\Z",
    re.IGNORECASE,
)
_NEXT_CODE = re.compile(r"(?:,| and| und| et| y| or)[ \n]{1,2}(?P<token>[A-Z0-9]{5,8})(?![^\W_])")
_KIND_WORD = re.compile(rf"(?<![^\W_]){_KIND}(?![^\W_])", re.IGNORECASE)
_ANY = re.compile(rf"{_NOT_INSIDE}(?P<token>{_CODE})")
_YEAR = re.compile(r"(?:19|20)[0-9]{2}\Z")
_MARK = re.compile(rf"#|{_NUMBER_WORD}|:", re.IGNORECASE)
_FEWEST_DIGITS, _FEWEST_PLAIN = 3, 4
_LONGEST_LIST = 10
_MOST = 40  # in one text


def find_references(text: str) -> Iterator[Hit]:
    """Values as written, without `#` and number words. Dates and amounts should be out of the text already."""
    taken: list[tuple[int, int]] = []
    shapes: set[str] = set()
    for hit in chain(_led(text), _told(text), _marked(text), _shaped(text, shapes)):
        if not any(start < hit.end and hit.start < end for start, end in taken):
            taken.append((hit.start, hit.end))
            shapes.add(_shape(hit.value))
            yield hit
        if len(taken) == _MOST:
            return


def _led(text: str) -> Iterator[Hit]:
    """After the word for it: `order no. 4411`, and what is listed after that."""
    for match in _LED.finditer(text):
        if not _plausible(match["token"], marked=bool(_MARK.search(match["link"]))):
            continue
        yield _hit(match)
        yield from _listed(text, match, _NEXT)
    for match in _LETTERS.finditer(text):
        if not match["token"].isdigit() and (match["kind"] == "PNR" or not match["kind"].isupper()):
            yield _hit(match)
            yield from _listed(text, match, _NEXT_CODE)


def _listed(text: str, first: re.Match[str], following: re.Pattern[str]) -> Iterator[Hit]:
    end = first.end()
    for _ in range(_LONGEST_LIST):
        more = following.match(text, end)
        if more is None or not (following is _NEXT_CODE or _alike(first["token"], more["token"])):
            break
        yield _hit(more)
        end = more.end()


def _told(text: str) -> Iterator[Hit]:
    """`4411200 is my order number`, and forms that need no word."""
    for pattern in (_NAMED_AFTER, _KNOWN):
        for match in pattern.finditer(text):
            if _plausible(match["token"], marked=True):
                yield _hit(match)


def _marked(text: str) -> Iterator[Hit]:
    """`#4411` anywhere; `no. 4411200` where the text speaks of an order or the like."""
    about = _KIND_WORD.search(text)
    for match in _MARKED.finditer(text):
        if match["mark"] != "#" and (about is None or sum(c.isdigit() for c in match["token"]) <= _FEWEST_PLAIN):
            continue
        before = text[max(match.start() - 14, 0) : match.start()]
        if not _OTHERS.search(before) and _plausible(match["token"], marked=True):
            yield _hit(match)


def _shaped(text: str, shapes: set[str]) -> Iterator[Hit]:
    """Others that look just like one that was named: `W2378156` after `order W2890441`."""
    telling = {shape for shape in shapes if "A" in shape and "9" in shape}
    for match in _ANY.finditer(text) if telling else ():
        if _shape(match["token"]) in telling:
            yield _hit(match)


def _shape(token: str) -> str:
    return "".join("9" if c.isdigit() else "A" if c.isalpha() else c for c in token)


def _plausible(token: str, *, marked: bool) -> bool:
    digits = sum(char.isdigit() for char in token)
    if token.isdigit():
        return (marked and digits >= _FEWEST_DIGITS) or (digits >= _FEWEST_PLAIN and not _YEAR.match(token))
    return digits >= _FEWEST_DIGITS


def _alike(one: str, other: str) -> bool:
    return abs(len(one) - len(other)) <= 2 and one[0].isdigit() == other[0].isdigit() and _plausible(other, marked=True)


def _hit(match: re.Match[str]) -> Hit:
    return Hit(match.start("token"), match.end("token"), match["token"])
