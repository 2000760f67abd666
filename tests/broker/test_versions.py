"""Which version of MQTT is tried next."""

from pvsmqtt.broker.connection import Refused
from pvsmqtt.broker.versions import Versions

SAYS_NO = Refused("does not speak it", "", other_version=True)
SILENT = Refused("no answer", "", silent=True)
ABSENT = Refused("connection refused", "")


def test_it_begins_with_the_newest():
    assert Versions("auto").next == "5"


def test_a_broker_that_says_no_gets_the_other_from_then_on():
    versions = Versions("auto")
    versions.refused(SAYS_NO)
    assert versions.next == "3.1.1"
    versions.accepted("3.1.1")
    versions.refused(ABSENT)
    assert versions.next == "3.1.1"


def test_a_silent_broker_gets_both_in_turn():
    versions = Versions("auto")
    tried = []
    for _ in range(4):
        tried.append(versions.next)
        versions.refused(SILENT)
    assert tried == ["5", "3.1.1", "5", "3.1.1"]


def test_what_worked_before_is_kept_through_silence():
    versions = Versions("auto")
    versions.accepted("5")
    versions.refused(SILENT)
    assert versions.next == "5"


def test_a_slow_start_does_not_settle_for_the_older():
    versions = Versions("auto")
    versions.refused(SILENT)
    versions.accepted("3.1.1")
    assert versions.next == "5"


def test_silence_that_only_the_older_breaks_is_an_answer_in_the_end():
    versions = Versions("auto")
    for _ in range(Versions.ENOUGH):
        versions.next = "5"
        versions.refused(SILENT)
        versions.accepted("3.1.1")
    assert versions.next == "3.1.1"


def test_what_is_configured_is_not_questioned():
    versions = Versions("3.1.1")
    versions.refused(SAYS_NO)
    versions.refused(SILENT)
    assert versions.next == "3.1.1"
