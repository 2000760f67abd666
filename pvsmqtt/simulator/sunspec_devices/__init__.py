"""SunSpec devices of several makers that tell of the house: what a reader of SunSpec meets.

==============  =====================================================================================
`solar`         the panels as one inverter with strings; a hybrid with a battery
`grid`          the grid as a meter
`kinds`         which units and models a kind has, and its habits
`simulator`     all this, served over TCP or on a serial line
==============  =====================================================================================
"""

ABOUT = {
    "sma": "an SMA inverter at unit 126: only whole models are read, and nothing but energy is told in the dark",
    "fronius": "a Fronius inverter, and its meter at unit 240",
    "solaredge": "a SolarEdge inverter whose scale factors change while it runs",
    "battery": "a lithium-ion battery with its strings (802, 803)",
    "meter": "a meter of the grid, two legs",
    "der": "a hybrid with the models of 2018 (701, which takes two reads, 713 and 714)",
}
"""The kinds, for people."""

BASES = (40000, 0, 50000)
"""Where a chain may begin."""
