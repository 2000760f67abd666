"""``pvsmqtt record``: hears a line and writes what it hears.

===========  ===================================================
`command`    checks, files, signals, and how it ends
`hearing`    what a tap tells becomes a recording
`progress`   how far it is, for a terminal
===========  ===================================================
"""
