"""SunSpec devices of several makers that tell of the house: what a reader of SunSpec meets.

==============  =====================================================================================
`solar`         the panels as one inverter with strings; a hybrid with a battery
`grid`          the grid as a meter
`kinds`         which units and models a kind has, and its habits
`simulator`     all this, served over TCP or on a serial line
==============  =====================================================================================
"""
