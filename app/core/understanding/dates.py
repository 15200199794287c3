"""Dates as people write them, in English, German, French and Spanish: ISO where only one day can be meant."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date, datetime, timedelta
from itertools import chain

from app.core.understanding.hits import Hit

_MONTHS = """
january jan januar jänner janvier enero ene | february feb februar février fevrier févr febrero |
march mar märz maerz mär mars marzo | april apr avril avr abril abr | may mai mayo | june jun juni juin junio |
july jul juli juillet juil julio | august aug août aout agosto | september sep sept septembre septiembre |
october oct oktober okt octobre octubre | november nov novembre noviembre |
december dec dezember dez décembre decembre déc diciembre dic
"""
_MONTH = {name: n for n, names in enumerate(_MONTHS.split("|"), start=1) for name in names.split()}
_ENGLISH_MONTHS = "january jan february feb march mar april apr may june jun july jul august aug september sept sep"
_MONTH_FIRST = f"{_ENGLISH_MONTHS} october oct november nov december dec".split()
_WEEKDAYS = """
monday montag lundi lunes | tuesday dienstag mardi martes | wednesday mittwoch mercredi miércoles miercoles |
thursday donnerstag jeudi jueves | friday freitag vendredi viernes | saturday samstag samedi sábado sabado |
sunday sonntag dimanche domingo
"""
_WEEKDAY = {name: n for n, names in enumerate(_WEEKDAYS.split("|")) for name in names.split()}
_NUMBERS = """
a one ein einem einer un une una uno | two zwei deux dos | three drei trois tres | four vier quatre cuatro |
five fünf cinq cinco | six sechs seis | seven sieben sept siete | eight acht huit ocho | nine neun neuf nueve |
ten zehn dix diez
"""
_COUNT = {name: n for n, names in enumerate(_NUMBERS.split("|"), start=1) for name in names.split()}


def _any(names: dict[str, int] | list[str]) -> str:
    return "|".join(sorted(names, key=len, reverse=True))


_EDGE, _END = r"(?<![^\W_])", r"(?![^\W_])"
_DAY = r"(?P<day>[0-9]{1,2})"
_YEAR = r"(?P<year>(?:19|20)[0-9]{2})"
_ISO = re.compile(rf"(?<![\w./-]){_YEAR}([-/.])(?P<month>[0-9]{{1,2}})\2{_DAY}(?![0-9/-])(?:T[0-9:.Z+]{{0,20}})?{_END}")
_NUMERIC = re.compile(
    r"(?<![\w./-])(?P<first>[0-9]{1,2})(?:(?P<mark>[./-])(?P<second>[0-9]{1,2})(?P=mark)(?P<year>(?:19|20)[0-9]{2})"
    r"|(?P<mark2>[./])(?P<second2>[0-9]{1,2})(?P=mark2)(?P<year2>[0-9]{2}))(?![\w/-]|\.[0-9])"
)
_SHORT = re.compile(
    r"(?<![^\W_])(?:on|since|by|before|until|from|dated|am|vom|seit|bis|zum|le|du|depuis|el|del|desde|hasta)(?: the)? "
    r"(?P<date>(?P<first>[0-9]{1,2})(?:/(?P<second>[0-9]{1,2})|\.(?P<second2>[0-9]{1,2})\.))(?![\w/]|[.,][0-9])",
    re.IGNORECASE,
)
_NAMED = re.compile(
    rf"(?<![\w.,/-]){_DAY}(?P<ordinal>st|nd|rd|th|er|º|\.)? (?:of |de |del )?(?P<name>{_any(_MONTH)})\.?{_END}"
    rf"(?:,? (?:de |del |of )?{_YEAR}{_END})?",
    re.IGNORECASE,
)
_NAME_FIRST = re.compile(
    rf"{_EDGE}(?P<name>{_any(_MONTH_FIRST)})\.? (?:the )?{_DAY}(?P<ordinal>st|nd|rd|th)?(?![\w/%]|[.:][0-9])"
    rf"(?:,? {_YEAR}{_END})?",
    re.IGNORECASE,
)
_VERSION = re.compile(r"(?:version|firmware|build|release|\bv)[ .:]{0,2}\Z", re.IGNORECASE)

# Days from the message's own; `hier` and `morgen` mean something else in another language.
_RELATIVE: tuple[tuple[str, int, str], ...] = (
    (r"(?:the )?day before yesterday|vorgestern|avant-hier|anteayer|antier", -2, ""),
    (r"(?:the )?day after tomorrow|übermorgen|uebermorgen|après-demain|apres-demain|pasado mañana", 2, ""),
    (r"yesterday|gestern|ayer", -1, ""),
    (r"hier", -1, "fr"),
    (r"(?<!are you )(?<!you doing )(?<!nice day )(?<!good day )(?<!great day )today|heute|aujourd['’]hui", 0, ""),
    (r"hoy(?! en d[ií]a)", 0, ""),
    (r"tomorrow|demain|(?<!\bla )(?<!esta )(?<!cada )mañana", 1, ""),
    (r"(?-i:morgen)(?<!guten morgen)(?<!heute morgen)(?<!gestern morgen)(?<!jeden morgen)", 1, "de"),
)
_RELATIVES = [
    (re.compile(f"{_EDGE}(?:{words}){_END}", re.IGNORECASE), days, language) for words, days, language in _RELATIVE
]
_NUMBER = rf"(?P<count>[0-9]{{1,3}}|{_any(_COUNT)})"
_AGO = re.compile(
    rf"{_EDGE}(?:{_NUMBER} (?P<unit>day|week|month)s? ago"
    rf"|vor {_NUMBER.replace('count', 'count_de')} (?P<unit_de>tag|woche|monat)(?:en|n)?"
    rf"|il y a {_NUMBER.replace('count', 'count_fr')} (?P<unit_fr>jour|semaine|moi)s?"
    rf"|hace {_NUMBER.replace('count', 'count_es')} (?P<unit_es>d[ií]a|semana|mes)(?:es|s)?){_END}",
    re.IGNORECASE,
)
_DAYS = frozenset({"day", "tag", "jour", "dia", "día"})
_NAMES = rf"(?P<name>{_any(_WEEKDAY)}){_END}"
_PAST = re.compile(
    rf"{_EDGE}(?:(?:last|this past|past|since|letzten|letztem|letzter|vergangenen|seit|depuis|desde el|desde"
    rf"|(?:el )?pasado) (?:last |letztem |el )?{_NAMES}"
    rf"|{_NAMES.replace('<name>', '<name2>')} (?:dernier|passé|pasado))",
    re.IGNORECASE,
)
_COMING = re.compile(
    rf"{_EDGE}(?:by|until|till|before|this|this coming|coming|bis|bis zum|diesen|kommenden|ce|avant|d['’]ici"
    rf"|jusqu['’]à|antes del|hasta el|para el|este) {_NAMES}",
    re.IGNORECASE,
)
_UNSURE = re.compile(
    rf"{_EDGE}(?:(?:on|am) (?:(?P<own>next ))?{_NAMES}"
    rf"|(?P<whole>(?:next|nächsten|naechsten|próximo|proximo) {_NAMES.replace('<name>', '<name2>')})"
    rf"|(?P<whole2>{_NAMES.replace('<name>', '<name3>')} prochain))",
    re.IGNORECASE,
)


def find_dates(text: str, at: datetime | None, *, language: str = "", day_first: bool | None = None) -> Iterator[Hit]:
    """Values such as `2026-11-03`, or the words as written where nobody can be sure.

    `at` is when the message was written; `day_first` says how the customer reads `11/03/2026`, None if nobody knows.
    """
    day = at.date() if at else None
    found = chain(
        _written_out(text, day), _numeric(text, day, day_first), _relative(text, day, language), _weekdays(text, day)
    )
    taken = -1
    for hit in sorted(found, key=lambda h: (h.start, -h.end)):
        if hit.start >= taken:
            taken = hit.end
            yield hit


def _written_out(text: str, day: date | None) -> Iterator[Hit]:
    for match in _ISO.finditer(text):
        if value := _iso(int(match["year"]), int(match["month"]), int(match["day"])):
            yield Hit(match.start(), match.end(), value)
    for match in chain(_NAMED.finditer(text), _NAME_FIRST.finditer(text)):
        if match["name"] == "may" and not match["year"] and not match["ordinal"]:
            continue  # "3 may be too many"
        value = _dated(match["year"], _MONTH[match["name"].lower()], int(match["day"]), day)
        if value is not None:
            yield Hit(match.start(), match.end(), value or match.group())


def _numeric(text: str, day: date | None, day_first: bool | None) -> Iterator[Hit]:
    for match in _NUMERIC.finditer(text):
        mark, year = match["mark"] or match["mark2"], match["year"] or f"20{match['year2']}"
        if mark == "." and _VERSION.search(text[max(match.start() - 12, 0) : match.start()]):
            continue
        first, second = int(match["first"]), int(match["second"] or match["second2"])
        value = _ordered(first, second, year, day, True if mark == "." else day_first)
        if value is not None:
            yield Hit(match.start(), match.end(), value or match.group())
    for match in _SHORT.finditer(text):
        dotted = match["second2"]
        value = _ordered(int(match["first"]), int(dotted or match["second"]), "", day, True if dotted else day_first)
        if value is not None:
            yield Hit(match.start("date"), match.end("date"), value or match["date"])


def _ordered(first: int, second: int, year: str, day: date | None, day_first: bool | None) -> str | None:
    """ISO, "" where day and month could be told either way, None where it is no date."""
    european, american = _dated(year, second, first, day), _dated(year, first, second, day)
    if european is None or american is None or first == second:
        return american if european is None else european
    if day_first is None:
        return ""
    return european if day_first else american


def _dated(year: str | None, month: int, day_of_month: int, day: date | None) -> str | None:
    """ISO, "" where the year is not known, None where it is no date. Without a year the nearest such day is meant."""
    if year:
        return _iso(int(year), month, day_of_month)
    if day is None:
        return "" if _iso(2024, month, day_of_month) else None
    near = [found for y in (day.year - 1, day.year, day.year + 1) if (found := _iso(y, month, day_of_month))]
    return min(near, key=lambda value: abs(date.fromisoformat(value) - day), default=None)


def _iso(year: int, month: int, day_of_month: int) -> str | None:
    try:
        return date(year, month, day_of_month).isoformat()
    except ValueError:
        return None


def _relative(text: str, day: date | None, language: str) -> Iterator[Hit]:
    for pattern, days, only in _RELATIVES:
        if not only or only == language:
            for match in pattern.finditer(text):
                yield Hit(match.start(), match.end(), _shifted(day, days) or match.group())
    for match in _AGO.finditer(text):
        said = {name.partition("_")[0]: value for name, value in match.groupdict().items() if value}
        count = said["count"].lower()
        number = int(count) if count.isdigit() else _COUNT[count]
        # "Two weeks ago" names no day.
        exact = _shifted(day, -number) if said["unit"].lower() in _DAYS else ""
        yield Hit(match.start(), match.end(), exact or match.group())


def _weekdays(text: str, day: date | None) -> Iterator[Hit]:
    for match in _PAST.finditer(text):
        name = match["name"] or match["name2"]
        ago = (day.weekday() - _WEEKDAY[name.lower()] - 1) % 7 + 1 if day else 0
        yield Hit(match.start(), match.end(), _shifted(day, -ago) or match.group())
    for match in _COMING.finditer(text):
        ahead = (_WEEKDAY[match["name"].lower()] - day.weekday() - 1) % 7 + 1 if day else 0
        yield Hit(match.start(), match.end(), _shifted(day, ahead) or match.group())
    for match in _UNSURE.finditer(text):
        whole = "whole" if match["whole"] else "whole2" if match["whole2"] else "name"
        start = match.start("own") if match["own"] else match.start(whole)
        yield Hit(start, match.end(), text[start : match.end()])


def _shifted(day: date | None, days: int) -> str:
    try:
        return (day + timedelta(days=days)).isoformat() if day else ""
    except OverflowError:
        return ""
