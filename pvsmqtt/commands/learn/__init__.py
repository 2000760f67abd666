"""``pvsmqtt learn``: which register of the RS-485 line is which quantity of the PVS?

Nobody has published what the registers of HUB+, MIO and PV disconnect mean. But the PVS tells of the same devices
over its API, so their values can be searched for in what is heard on the line:

=============  ==========================================================================================
`series`       what a register held and when, as runs
`history`      registers and API values with their times: in memory, and in a file that can be continued
`typed`        registers as numbers: types and word orders
`numbers`      a quantity with many values: type, scale and offset under which a register agrees with it
`states`       a quantity with few values: which raw value goes with which
`evidence`     what speaks for a candidate, and how surprising that is
`analysis`     all quantities of all devices: ranked candidates, rivals, and what stays unknown
`proposal`     what was accepted, as a map file
`view`         all this for people
`gather`       the line and the PVS sources at work, into a history
`command`      the command
=============  ==========================================================================================

All but the last two are pure. Times are seconds of the wall clock everywhere, because a history outlives a process.
"""
