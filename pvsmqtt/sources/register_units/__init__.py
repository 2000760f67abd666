"""Units whose registers are read, by us or by others: what was read becomes readings of devices.

=============  =====================================================================
`decoder`      register maps and SunSpec laid over images: a reading for each unit
`chains`       the SunSpec chains of all units, remembered over restarts
`conext`       what is known beforehand of a Conext Gateway
`word_order`   which word of a wide value comes first
`stats`        how busy the line is, and how often each unit answered and refused
`details`      a unit in the health topic
`listening`    news once, bugs apart: what every listener does alike
`options`      what their options have in common
=============  =====================================================================
"""
