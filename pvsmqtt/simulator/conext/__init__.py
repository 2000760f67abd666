"""A Conext Gateway with the XW Pro and the battery of a SunVault.

Port 502 tells SunSpec: units 1 (the gateway), 10 (XW Pro) and 230 (battery management). Port 503 tells the native map
of Schneider: units 1 and 10, and a battery monitor if wanted. Both tell of the house of `pvs.house`.

==============  =====================================================================================
`chains`        what stands on port 502
`gateway_map`   the native map of unit 1, as a table
`xw_map`        that of unit 10, and that of the battery monitor
`native`        entries and values made into registers
`flows`         the powers, currents and energies of the house, as this side names them
`simulator`     all this, served
==============  =====================================================================================

INVENTED, because nobody has published it: ``gridNetPower`` + is import; ``loadPower`` is what the house uses;
``gridTieToLoadPower`` and ``loadInPower`` are the production of the panels; the FGA number of the gateway; that the
chain of unit 1 ends behind 102; that what the XW Pro calls its grid and its load are those of the house.
"""
