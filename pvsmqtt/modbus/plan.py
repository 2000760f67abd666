"""Which registers to read at once. Pure: spans in, requests out, refusals learned.

Idea: what is wanted (`Span`: the registers of one value, which belong together) is read in as few requests as
possible, across gaps of registers that nobody wants. Whether a device tolerates that it alone knows; one that does
not refuses the request as a whole. Then the request is halved, at its widest gap, until every part is answered or is
a single span. What was learned on the way is kept: a *wall* is an address before which a request must end, for both
sides of it are answered and together they are not; a *refused* span is never asked for again. So no request that was
refused is ever repeated, and where a device tolerates everything there are no more requests than the limit demands.

Walls may also be set beforehand: a SunSpec device is read model by model, since some refuse to read across the end of
one (SMA; sunspec/pysunspec2#36).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Any, NamedTuple

LIMIT = 125
"""Registers that one response can carry."""


class Span(NamedTuple):
    """Consecutive registers, by protocol address."""

    address: int
    length: int

    @property
    def end(self) -> int:
        """The address behind the last one."""
        return self.address + self.length


class Plan:
    """The requests for certain spans of one table of one unit."""

    def __init__(self, wanted: Iterable[Span], walls: Iterable[int] = (), limit: int = LIMIT) -> None:
        self._wanted = sorted({span for span in wanted if 0 < span.length <= limit})
        self._set = frozenset(walls)
        self._walls: set[int] = set()
        self._refused: set[Span] = set()
        self._put_off: set[Span] = set()
        self._limit = limit
        self._requests: list[Span] | None = None

    @property
    def requests(self) -> list[Span]:
        """What to read, by address; every wanted span that was not refused is in exactly one of them as a whole."""
        if self._requests is None:
            left_out = self._refused | self._put_off
            self._requests = list(self._merged([span for span in self._wanted if span not in left_out]))
        return self._requests

    @property
    def refused(self) -> frozenset[Span]:
        """Spans that the device does not have."""
        return frozenset(self._refused)

    def same(self, other: Plan) -> bool:
        """Whether both are about the same spans and walls, whatever was learned."""
        return (self._wanted, self._set, self._limit) == (other._wanted, other._set, other._limit)

    def halves(self, request: Span, for_good: bool = True) -> tuple[Span, Span] | None:
        """What to try in the place of a request that was refused; None: it holds a single span, which the device does
        not have. That is remembered when it was refused ``for_good``."""
        within = self._within(request)
        if len(within) < 2:
            self._refuse(within, for_good)
            return None
        ends = _covered(within)
        gaps = [
            (after.address - end, -abs(2 * place - len(within)), place)
            for place, (end, after) in enumerate(zip(ends, within[1:], strict=False), 1)
            if after.address >= end
        ]
        if not gaps:  # spans that lie over each other: all of them are one
            self._refuse(within, for_good)
            return None
        place = max(gaps)[2]
        return _hull(within[:place]), _hull(within[place:])

    def separate(self, address: int) -> None:
        """Both sides of this address were answered as a whole, but not together."""
        self._walls.add(address)
        self._requests = None

    def put_off(self, request: Span) -> None:
        """The device fails to tell this: leave it out until `retry`. That is not remembered."""
        self._put_off.update(self._within(request))
        self._requests = None

    def retry(self) -> None:
        """Ask again for what was put off."""
        if self._put_off:
            self._put_off.clear()
            self._requests = None

    def give_up(self) -> None:
        """The device has no such table."""
        self._refuse(self._wanted)

    def document(self) -> dict[str, Any]:
        """What was learned, fit for JSON."""
        return {"walls": sorted(self._walls), "refused": [list(span) for span in sorted(self._refused)]}

    def restore(self, document: object) -> None:
        """Take up what `document` gave; what cannot be used is ignored."""
        if not isinstance(document, Mapping):
            return
        walls, refused = document.get("walls"), document.get("refused")
        self._walls.update(at for at in (walls if isinstance(walls, list) else ()) if type(at) is int)
        for row in refused if isinstance(refused, list) else ():
            if isinstance(row, list) and len(row) == 2 and all(type(number) is int for number in row):
                self._refused.add(Span(*row))
        self._requests = None

    def _refuse(self, spans: Iterable[Span], for_good: bool = True) -> None:
        if for_good:
            self._refused.update(spans)
            self._requests = None

    def _within(self, request: Span) -> list[Span]:
        return [span for span in self._wanted if request.address <= span.address and span.end <= request.end]

    def _merged(self, spans: list[Span]) -> Iterable[Span]:
        """From the lowest address on, as far as limit, walls and refused spans allow: fewer requests do not do."""
        walls = sorted(self._set | self._walls)
        parts: list[Span] = []
        for span in spans:
            if parts and not self._fits(_hull([*parts, span]), walls):
                yield _hull(parts)
                parts = []
            parts.append(span)
        if parts:
            yield _hull(parts)

    def _fits(self, request: Span, walls: list[int]) -> bool:
        at = bisect_right(walls, request.address)
        crosses = at < len(walls) and walls[at] < request.end
        left_out = (*self._refused, *self._put_off)
        holds = any(request.address <= span.address and span.end <= request.end for span in left_out)
        return request.length <= self._limit and not crosses and not holds


def _hull(spans: list[Span]) -> Span:
    return Span(spans[0].address, max(span.end for span in spans) - spans[0].address)


def _covered(spans: list[Span]) -> list[int]:
    """For each span, where it and all before it end."""
    ends = [spans[0].end]
    for _, span in pairwise(spans):
        ends.append(max(ends[-1], span.end))
    return ends
