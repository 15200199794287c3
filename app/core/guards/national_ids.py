"""National identity, tax and social security numbers by country: the check that each one carries in itself.

python-stdnum knows the arithmetic. Where its own check asks today's date, or reads a file, only the arithmetic is used,
so that the same text always has the same findings.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date

from stdnum import luhn
from stdnum.ar import cuit
from stdnum.at import vnr
from stdnum.au import tfn
from stdnum.bg import egn
from stdnum.br import cpf
from stdnum.ca import sin
from stdnum.ch import ssn as ahv
from stdnum.cl import rut
from stdnum.cn import ric
from stdnum.cz import rc
from stdnum.de import idnr
from stdnum.ee import ik
from stdnum.es import dni, nie
from stdnum.fi import hetu
from stdnum.fr import nir
from stdnum.gr import amka
from stdnum.hr import oib
from stdnum.ie import pps
from stdnum.il import idnr as teudat
from stdnum.in_ import aadhaar, pan
from stdnum.it import codicefiscale
from stdnum.kr import rrn
from stdnum.mx import curp
from stdnum.nl import bsn
from stdnum.no import fodselsnummer
from stdnum.pl import pesel
from stdnum.pt import cc, nif
from stdnum.ro import cnp
from stdnum.si import emso
from stdnum.th import pin
from stdnum.tr import tckimlik
from stdnum.us import itin
from stdnum.util import isdigits

Check = Callable[[str], bool]


def _a_day(month: int, day: int) -> bool:
    try:
        date(2000, month, day)
    except ValueError:
        return False
    return True


def _be(number: str) -> bool:
    """Belgian national number: mod 97, with a 2 in front for people born since 2000."""
    if len(number) != 11 or not isdigits(number):
        return False
    return any(97 - int(century + number[:9]) % 97 == int(number[9:]) for century in ("", "2"))


def _cn(number: str) -> bool:
    if len(number) != 18 or not isdigits(number[:17]) or number[6:8] not in ("18", "19", "20"):
        return False
    return _a_day(int(number[10:12]), int(number[12:14])) and ric.calc_check_digit(number) == number[17]


def _dk(number: str) -> bool:
    """Danish CPR number: those given out since 2007 carry no check digit, so only the date is looked at."""
    return len(number) == 10 and isdigits(number) and _a_day(int(number[2:4]), int(number[:2]))


def _no(number: str) -> bool:
    if len(number) != 11 or not isdigits(number):
        return False
    day, month = int(number[:2]), int(number[2:4])
    born = _a_day(month - 40 if month > 40 else month, day - 40 if day > 40 else day)
    first, second = fodselsnummer.calc_check_digit1(number), fodselsnummer.calc_check_digit2(number)
    return born and number[9:] == first + second


def _se(number: str) -> bool:
    """Swedish personnummer or coordination number (day + 60)."""
    if len(number) not in (10, 12) or not isdigits(number):
        return False
    short = number[-10:]
    return _a_day(int(short[2:4]), int(short[4:6]) % 60) and luhn.is_valid(short)


def _za(number: str) -> bool:
    if len(number) != 13 or not isdigits(number) or number[10] not in "012":
        return False
    return _a_day(int(number[2:4]), int(number[4:6])) and luhn.is_valid(number)


# How many characters a number has without its separators, and its check: the length costs nothing to look at.
CHECKS: Mapping[str, tuple[tuple[tuple[int, ...], Check], ...]] = {
    "AR": (((11,), cuit.is_valid),),
    "AT": (((10,), vnr.is_valid),),
    "AU": (((8, 9), tfn.is_valid),),
    "BE": (((11,), _be),),
    "BG": (((10,), egn.is_valid),),
    "BR": (((11,), cpf.is_valid),),
    "CA": (((9,), sin.is_valid),),
    "CH": (((13,), ahv.is_valid),),
    "CL": (((8, 9), rut.is_valid),),
    "CN": (((18,), _cn),),
    "CZ": (((9, 10), rc.is_valid),),
    "DE": (((11,), idnr.is_valid),),
    "DK": (((10,), _dk),),
    "EE": (((11,), ik.is_valid),),
    "ES": (((8, 9), dni.is_valid), ((9,), nie.is_valid)),
    "FI": (((10, 11), hetu.is_valid),),
    "FR": (((15,), nir.is_valid),),
    "GR": (((11,), amka.is_valid),),
    "HR": (((11,), oib.is_valid),),
    "IE": (((8, 9), pps.is_valid),),
    "IL": (((9,), teudat.is_valid),),
    "IN": (((12,), aadhaar.is_valid), ((10,), pan.is_valid)),
    "IT": (((16,), codicefiscale.is_valid),),
    "KR": (((13,), rrn.is_valid),),
    "MX": (((18,), curp.is_valid),),
    "NL": (((9,), bsn.is_valid),),
    "NO": (((11,), _no),),
    "PL": (((11,), pesel.is_valid),),
    "PT": (((12,), cc.is_valid), ((9,), nif.is_valid)),
    "RO": (((13,), cnp.is_valid),),
    "SE": (((10, 12), _se),),
    "SI": (((13,), emso.is_valid),),
    "TH": (((13,), pin.is_valid),),
    "TR": (((11,), tckimlik.is_valid),),
    "US": (((9,), itin.is_valid),),
    "ZA": (((13,), _za),),
}


def is_national_id(text: str, regions: tuple[str, ...]) -> bool:
    """Whether a number is one that a country of `regions` (ISO 3166) gives out; separators are left out."""
    number = "".join(c for c in text if c.isalnum()).upper()
    if len(set(number)) < 3:
        return False
    # A Finnish number needs its sign: it says the century.
    signed = text.strip().upper()
    return any(
        check(signed if region == "FI" else number)
        for region in regions
        for lengths, check in CHECKS[region]
        if len(number) in lengths
    )
