"""Equipment that is asked over Modbus, read-only: what `[[modbus_tcp]]` and `[[modbus_rtu]]` have in common.

===========  ==============================================================================================
`refusal`    why something was not told: typed, each with advice
`door`       one connection to equipment; the only place that knows pymodbus, and it can build reads alone
`patient`    one read with all the patience that equipment needs: pauses, busy answers, a lost connection
`survey`     who answers behind a door, and in which language: SunSpec or registers of a maker
`wanted`     what is wanted behind a door: units, languages, maps
`unit`       one unit: what to read of it, as a plan that learns what is refused
`reader`     all units behind one door: a cycle of reads becomes readings
`source`     the doors of one table: cycles, health, the connection as a device
`report`     what is told of the connection itself
===========  ==============================================================================================
"""
