"""What the files of the page may be, whatever a browser makes of them."""

import re

import pytest

from pvsmqtt.sinks.web.routes import STATIC, TYPES

FILES = sorted(STATIC.iterdir())
LIMIT = 100_000


def test_the_whole_page_weighs_little():
    assert sum(file.stat().st_size for file in FILES) < LIMIT


def test_every_file_is_one_that_the_server_serves():
    assert {file.suffix for file in FILES} <= set(TYPES)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_nothing_is_fetched_from_elsewhere(file):
    text = file.read_text("utf-8").replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"https?://|[\"'(]//|@import", text)
    assert not re.search(r"""(?:href|src|action)=["']/|(?:fetch|get|EventSource)\(["'`]/""", text), "not relative"


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.name)
def test_nothing_from_outside_can_become_markup_or_script(file):
    text = file.read_text("utf-8")
    assert not re.search(
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|DOMParser|\beval\(|new Function", text
    )
    if file.suffix == ".html":
        assert not re.search(r"\sstyle=|<style|\son\w+=|javascript:|<script(?![^>]*\ssrc=)", text)
