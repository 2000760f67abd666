"""Hides what must not be shown: one table of patterns, for logs and reports that leave the house."""

from __future__ import annotations

import re

_KEY = (
    r"wpa_?key|wpa_?psk|psk|pass(?:phrase|code|word|wd)|pwd|ssid|session(?:_?id|_?key)?|cookie|authorization|token|"
    r"secret|api_?key|\bl?mac(?:_?addr(?:ess)?)?|panid"
)
_QUOTE = r"\\{0,4}[\"']?"
_IS = rf"\s{{0,4}}{_QUOTE}\s{{0,4}}(?:[=:]|,\s{{0,4}}{_QUOTE}value{_QUOTE}\s{{0,4}}:)\s{{0,4}}"
_NEXT = rf"[\s,;&]{{1,4}}{_QUOTE}[\w./-]{{1,40}}{_QUOTE}\s?[=:]"
_VALUE = rf"(?:\"(?:[^\"\\]|\\.)*|'[^']*|\\+\"[^\"\\]*|(?:(?!{_NEXT})[^\n])+)"

HIDDEN = "[hidden]"
SECRETS: tuple[tuple[str, re.Pattern[str], str], ...] = (
    ("values of keys that name a secret", re.compile(rf"({_KEY})({_IS}){_VALUE}", re.I), rf"\1\2{HIDDEN}"),
    ("a quoted name of a network", re.compile(r"(ssid\s{1,4})(?:'[^']*|\"[^\"]*)", re.I), rf"\1{HIDDEN}"),
    ("name and password in an address", re.compile(r"(://)[^/\s:@]{1,100}:[^/\s@]{1,100}@"), rf"\1{HIDDEN}@"),
    ("the owner's login", re.compile(r"(ssm_owner\s{0,4}[:/,]\s{0,4})\S{1,64}", re.I), rf"\1{HIDDEN}"),
    ("the same in Base64", re.compile(r"c3NtX293bmVy[\w+/=-]*"), HIDDEN),
    (
        "MAC addresses",
        re.compile(r"(?<![0-9a-f])[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}(?![0-9a-f])", re.I),
        HIDDEN,
    ),
    ("keys of 256 bits", re.compile(r"(?<![0-9a-f])[0-9a-f]{64}(?![0-9a-f])", re.I), HIDDEN),
    ("the password in a PVS's serial number", re.compile(r"(ZT[0-9A-Z]{12})[0-9A-Z]{5}", re.I), rf"\1{HIDDEN}"),
    ("the same in the name of its network", re.compile(r"(SunPower)\d\d[0-9A-Z]{3}", re.I), rf"\1{HIDDEN}"),
)
"""What is hidden: what it is, how it looks, what is put in its place. Rather too much than too little."""


_NAMES = re.compile(_KEY, re.I)


def names_secret(key: str) -> bool:
    """Whether what stands under this key is a secret, whatever it looks like."""
    return _NAMES.search(key) is not None


def redact(text: str) -> str:
    """The text with everything of `SECRETS` hidden."""
    for _, pattern, instead in SECRETS:
        text = pattern.sub(instead, text)
    return text
