"""Why a reply of the PVS was refused: typed reasons, each with what it means and what to do."""

from __future__ import annotations

from enum import StrEnum


class Refusal(StrEnum):
    """Every reason for which a poll can fail, or an entry of a reply can be left out."""

    # The whole reply
    UNREACHABLE = "unreachable"
    NO_TLS = "no_tls"
    TIMEOUT = "timeout"
    BROKEN_OFF = "broken_off"
    BUSY = "busy"
    FORBIDDEN = "forbidden"
    SERVER_ERROR = "server_error"
    NOT_FOUND = "not_found"
    BAD_REQUEST = "bad_request"
    LOGIN_ENDED = "login_ended"
    SESSION_REFUSED = "session_refused"
    WRONG_PASSWORD = "wrong_password"  # noqa: S105 - the name of a reason
    NO_PASSWORD = "no_password"  # noqa: S105 - the name of a reason
    NO_LOGIN_PAGE = "no_login_page"
    CERTIFICATE = "certificate_changed"
    UNSUPPORTED = "unsupported"
    AMBIGUOUS = "several_found"
    STATUS = "unexpected_status"
    TOO_LARGE = "too_large"
    EMPTY = "empty"
    HTML = "html"
    NOT_JSON = "not_json"
    WRONG_SHAPE = "wrong_shape"
    NOT_SUCCEED = "not_succeed"
    # One entry of a reply
    NO_SERIAL = "no_serial"
    DUPLICATE_SERIAL = "duplicate_serial"
    NOT_AN_OBJECT = "not_an_object"
    UNLISTED_VALUE = "unlisted_value"


ADVICE: dict[Refusal, str] = {
    Refusal.UNREACHABLE: "check its power, the cable or Wi-Fi and the address; "
    "on its installer port a PVS is 172.27.153.1",
    Refusal.NO_TLS: "something answers at that port, and not by https: check port and scheme of host. Newer firmware "
    "takes its login by https alone; a proxy in front of the PVS must pass on https too: give its https:// address "
    "as host",
    Refusal.TIMEOUT: "it may be busy or restarting (a restart takes up to 10 minutes); if it lasts, power-cycle it",
    Refusal.BROKEN_OFF: "it may be restarting, or the Wi-Fi is weak",
    Refusal.BUSY: "it is busy or restarting; no action needed unless it lasts for hours",
    Refusal.FORBIDDEN: "old firmware (before build 61840) does this when its web service hangs: power-cycle the PVS. "
    'If its firmware was updated, api = "auto" follows by itself within minutes',
    Refusal.SERVER_ERROR: "its data logger crashed; if it lasts, power-cycle the PVS",
    Refusal.NOT_FOUND: "this firmware does not have what was asked for, or a proxy in front of it hides it. A proxy "
    "must pass on /cgi-bin/dl_cgi/ and, for newer firmware, /auth and /vars; what it cannot pass on, "
    'api = "legacy" or "varserver" settles',
    Refusal.BAD_REQUEST: "this firmware does not know a variable, or it has lost what it should remember",
    Refusal.LOGIN_ENDED: "the login is renewed by itself; no action needed unless it lasts",
    Refusal.SESSION_REFUSED: "it lets us log in and then refuses what it let in; it may be restarting. If it lasts "
    "for hours, power-cycle the PVS",
    Refusal.AMBIGUOUS: "write the serial number of the one you mean as host, and one [[pvs]] table for each",
    Refusal.WRONG_PASSWORD: "the password is the last five characters of the serial number on the sticker of the "
    "PVS, in capitals; correct it, or leave password out so that it is found by itself",
    Refusal.NO_PASSWORD: "this firmware wants a login, and the PVS does not tell its serial number: write password = "
    '"…", the last five characters of the serial number on its sticker',
    Refusal.NO_LOGIN_PAGE: "firmware of this age should have one: check any proxy in front of the PVS, and give its "
    "full https:// address as host",
    Refusal.CERTIFICATE: "the PVS was exchanged, its firmware has made a new certificate, or somebody stands in "
    'between. If you know why, write certificate = "any" or the new fingerprint',
    Refusal.UNSUPPORTED: "a PVS2 or firmware this old speaks no interface that could be read",
    Refusal.STATUS: "check that the address is that of the PVS, and any proxy in front of it",
    Refusal.TOO_LARGE: "this is not a device list; check that the address is that of the PVS",
    Refusal.EMPTY: "it may be restarting; if it lasts, power-cycle the PVS",
    Refusal.HTML: "a web page came instead of data: a PVS2 or very old firmware is not supported; "
    "otherwise check the address and any proxy in front of the PVS",
    Refusal.NOT_JSON: "the reply was damaged or cut; the next poll usually works",
    Refusal.WRONG_SHAPE: "this firmware answers in a form that is not known yet; please report it",
    Refusal.NOT_SUCCEED: "its data logger is down; if it lasts, power-cycle the PVS",
}


class Refused(Exception):
    """A reply that cannot be used. ``detail`` says what was found; never payloads or secrets. ``status`` is that of
    HTTP, where it was the reason."""

    def __init__(self, reason: Refusal, detail: str, status: int | None = None) -> None:
        super().__init__(f"{detail}: {ADVICE[reason]}")
        self.status = status
        self.reason = reason
        self.detail = detail
        self.advice = ADVICE[reason]
