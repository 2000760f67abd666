"""Why a broker does not want us: the reason codes of CONNACK and DISCONNECT, in words (MQTT 5.0, 2.4 and 3.2.2.2).

paho translates the return codes of MQTT 3.1.1 to those of CONNACK; a DISCONNECT of the broker exists in MQTT 5 only.
"""

from __future__ import annotations

from dataclasses import dataclass

from pvsmqtt.broker.pauses import Wait

UNSUPPORTED_VERSION = 132
TAKEN_OVER = 142

SAME_CLIENT_ID = "Is pvsmqtt running twice? End the other one, or give this one another client_id in {table}"


@dataclass(frozen=True, slots=True)
class Reason:
    """``key`` is what is counted; ``text`` goes on after "the broker at …"; ``advice`` has ``{table}`` where people
    change something; ``wait`` says what the next try waits for."""

    key: str
    text: str
    advice: str
    wait: Wait | None = None


_LOG = "look into the broker's log"
_NOTHING = "no action needed unless it lasts"
_ACCESS = "check username and password in {table}, and the broker's access list"
_OURS = 'please report this with the broker\'s log; protocol = "3.1.1" in {table} may help meanwhile'

CONNACK: dict[int, Reason] = {
    128: Reason("refused", "refused the connection", _LOG),
    129: Reason("refused", "finds our request damaged", _OURS),
    130: Reason("refused", "finds our request against the rules", _OURS),
    131: Reason("refused", "refused the connection for a reason of its own", _LOG),
    UNSUPPORTED_VERSION: Reason("version", "does not speak this MQTT version", 'set protocol = "3.1.1" in {table}'),
    133: Reason("client_id", "refused the client id", "set another client_id in {table}"),
    134: Reason("login", "refused user name or password", "check username and password in {table}", "login"),
    135: Reason("login", "refused this user", _ACCESS, "login"),
    136: Reason("busy", "is not available now", _NOTHING),
    137: Reason("busy", "is busy", _NOTHING, "busy"),
    138: Reason("banned", "has banned this client", f"{_LOG}, and lift the ban there", "banned"),
    140: Reason("login", "wants another kind of login", "let it take user name and password", "login"),
    144: Reason("refused", "refused the topic of the last will", "allow {table}'s user to write below base_topic"),
    149: Reason("too_large", "finds our request too large", "raise the largest packet size at the broker", "quota"),
    151: Reason("quota", "says that a limit is reached", "raise the limits of this user at the broker", "quota"),
    154: Reason("refused", "keeps no retained messages", "allow them at the broker (mosquitto: retain_available)"),
    155: Reason("refused", "does not take messages with QoS 1", "allow them at the broker (mosquitto: max_qos)"),
    156: Reason("elsewhere", "asks us to use another one", "write that one as host in {table}", "elsewhere"),
    157: Reason("elsewhere", "has moved", "write its new place as host in {table}", "elsewhere"),
    159: Reason("busy", "refuses so many connections in so short a time", _NOTHING, "busy"),
}
"""Why a connection did not come about."""

DISCONNECT: dict[int, Reason] = {
    128: Reason("ended", "ended the connection without telling why", _LOG),
    129: Reason("ended", "could not read what we sent", _OURS),
    130: Reason("ended", "finds what we sent against the rules", _OURS),
    131: Reason("ended", "ended the connection for a reason of its own", _LOG),
    135: Reason("login", "does not allow this user what we do", _ACCESS, "login"),
    137: Reason("busy", "is busy and ended the connection", _NOTHING, "busy"),
    139: Reason("shut_down", "is shutting down", "no action needed if it comes back; it is tried again"),
    141: Reason(
        "keepalive",
        "heard nothing of us for too long",
        "the network or this machine is very slow; if it lasts, raise keepalive in {table}",
    ),
    TAKEN_OVER: Reason(
        "taken_over", "gave our place to another client that uses our client id", SAME_CLIENT_ID, "taken_over"
    ),
    143: Reason("ended", "refused what we subscribe to", _LOG),
    144: Reason("ended", "refused the topic of a message", _LOG, "quota"),
    147: Reason("ended", "got more messages at once than it allows", _OURS, "busy"),
    149: Reason(
        "too_large",
        "got a message that is too large for it",
        "raise its limit (mosquitto: max_packet_size and message_size_limit)",
        "quota",
    ),
    150: Reason("rate", "gets too many messages in too short a time", "write a lower max_rate in [mqtt]", "busy"),
    151: Reason("quota", "says that a limit is reached", "raise the limits of this user at the broker", "quota"),
    152: Reason("ended_by_hand", "was told by somebody to end our connection", "ask who runs the broker", "busy"),
    153: Reason("ended", "finds the form of a message wrong", _OURS, "quota"),
    154: CONNACK[154],
    155: CONNACK[155],
    156: CONNACK[156],
    157: CONNACK[157],
    159: CONNACK[159],
    160: Reason("ended", "ends every connection after some time", "no action needed"),
}
"""Why a connection ended. What is not listed cannot happen to us, or is told by its number."""

RECURRING = frozenset({reason.key for reason in DISCONNECT.values()} - {"shut_down", "keepalive"} | {"cut"})
"""What comes back after every connection until somebody does something about it."""

KEYS = frozenset(
    {
        *(reason.key for table in (CONNACK, DISCONNECT) for reason in table.values()),
        *("no_broker", "closed", "file", "host", "tls", "certificate", "own_certificate", "plain", "websockets"),
        *("lost", "cut"),
    }
)
"""Every reason why there is no connection, as it is counted; what a broker tells, what `explain` finds
out, and connections that were lost."""


def connack(code: int) -> Reason:
    """Why a connection was refused."""
    return CONNACK.get(code) or Reason("refused", f"refused the connection with reason {code}", _LOG)


def disconnect(code: int) -> Reason:
    """Why a connection was ended."""
    return DISCONNECT.get(code) or Reason("ended", f"ended the connection with reason {code}", _LOG)
