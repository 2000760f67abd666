"""Units whose registers are read, by us or by others: what was read becomes readings of devices.

=============  =====================================================================
`decoder`      register maps and SunSpec laid over images: a reading for each unit
`chains`       the SunSpec chains of all units, remembered over restarts
`word_order`   which word of a wide value comes first
=============  =====================================================================
"""
