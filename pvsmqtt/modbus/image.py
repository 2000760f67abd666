"""What is known of each register: its value, when it was last told, how often it changed, and what is polled.

Sparse: only registers that were heard take memory. `RegisterImage` is one table of one unit, `Images` all of them;
nobody polls more than some thousand registers, so `Images` refuses (and counts) what goes beyond a limit rather than
forget what it knows. A block costs one comparison a register, the rest is done by dictionaries at once.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

from pvsmqtt.modbus.block import RegisterBlock, Table

ADDRESSES = 65536
RANGES_AT_MOST = 512
"""Polled ranges that are kept of each table; a master polls some dozens."""
REGISTERS_AT_MOST = 65536
"""Registers that are kept of all units together: some 20 MB."""


class RegisterImage:
    """One table of one unit. Iteration gives the known addresses in order; length is their number."""

    def __init__(self) -> None:
        self.ranges: Counter[tuple[int, int]] = Counter()
        """How often each range (address, count) was read. The rarest are forgotten when there are too many."""
        self.changed: tuple[int, ...] = ()
        """What the last `put` told."""
        self._values: dict[int, int] = {}
        self._when: dict[int, float] = {}
        self._changes: Counter[int] = Counter()
        self._changed_when: dict[int, float] = {}
        self._ordered: list[int] | None = []

    def put(self, address: int, registers: Sequence[int], when: float, *, polled: bool = True) -> tuple[int, ...]:
        """Take consecutive registers. Returns the addresses that are new or whose value changed.

        Args:
            address: of the first one. What would lie beyond 65535 is ignored.
            registers: their values.
            when: they were told.
            polled: the master asks for this range; it counts for ``ranges``.
        """
        registers = registers[: max(0, ADDRESSES - address)]
        span = range(address, address + len(registers))
        values, get = self._values, self._values.get
        known = len(values)
        changed = tuple([at for at, value in zip(span, registers, strict=True) if get(at) != value])
        if changed:
            if others := [at for at in changed if at in values]:
                self._changes.update(others)
                self._changed_when.update(dict.fromkeys(others, when))
            values.update(zip(span, registers, strict=True))
            if len(values) != known:
                self._ordered = None
        self._when.update(dict.fromkeys(span, when))
        if polled and span:
            self._count(address, len(registers))
        self.changed = changed
        return changed

    def get(self, address: int) -> int | None:
        """The value of a register; None while it is unknown."""
        return self._values.get(address)

    def span(self, address: int, count: int) -> tuple[int, ...] | None:
        """The values of consecutive registers; None unless all are known."""
        try:
            return tuple([self._values[at] for at in range(address, address + count)])
        except KeyError:
            return None

    def when(self, address: int) -> float | None:
        """When a register was last told, changed or not."""
        return self._when.get(address)

    def oldest(self, address: int, count: int) -> float | None:
        """When the stalest of consecutive registers was last told; None unless all are known."""
        try:
            return min([self._when[at] for at in range(address, address + count)], default=None)
        except KeyError:
            return None

    def changes(self, address: int) -> int:
        """How often the value of a register changed; becoming known is no change."""
        return self._changes[address]

    def changed_when(self, address: int) -> float | None:
        """When the value of a register changed last; None while it never did."""
        return self._changed_when.get(address)

    def missing(self, address: int, count: int) -> int:
        """How many of consecutive registers are unknown."""
        return sum([at not in self._values for at in range(address, address + count)])

    def __contains__(self, address: object) -> bool:
        return address in self._values

    def __len__(self) -> int:
        return len(self._values)

    def __iter__(self) -> Iterator[int]:
        if self._ordered is None:
            self._ordered = sorted(self._values)
        return iter(self._ordered)

    def _count(self, address: int, count: int) -> None:
        polled = (address, count)
        if polled not in self.ranges and len(self.ranges) >= RANGES_AT_MOST:
            self.ranges = Counter(dict(self.ranges.most_common(RANGES_AT_MOST // 2)))
        self.ranges[polled] += 1


class Images(Mapping[tuple[int, Table], RegisterImage]):
    """The images of all units of a line, by unit and table. What a broadcast writes is kept as unit 0."""

    def __init__(self, limit: int = REGISTERS_AT_MOST) -> None:
        self.refused = 0
        """Blocks that were not taken, for there would be more registers than ``limit``."""
        self._limit = limit
        self._known = 0
        self._images: dict[tuple[int, Table], RegisterImage] = {}

    def take(self, block: RegisterBlock) -> RegisterImage | None:
        """Put a block where it belongs, after what the same exchange wrote besides (``also``).

        Returns:
            The image that has the block now, or None if it was refused.
        """
        if block.also is not None:
            self.take(block.also)
        key = (block.unit, block.table)
        image = self._images.get(key) or RegisterImage()
        count = min(len(block.registers), max(0, ADDRESSES - block.address))
        new = image.missing(block.address, count)
        if self._known + new > self._limit:
            self.refused += 1
            return None
        image.put(block.address, block.registers, block.when, polled=not block.written)
        if image:
            self._images[key] = image
        self._known += new
        return image

    def __getitem__(self, key: tuple[int, Table]) -> RegisterImage:
        return self._images[key]

    def __iter__(self) -> Iterator[tuple[int, Table]]:
        return iter(self._images)

    def __len__(self) -> int:
        return len(self._images)
