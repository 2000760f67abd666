"""``pvsmqtt replay``: what a recording holds, for people and for programs.

============  ==========================================================
`command`     opens the recording and picks what is printed
`frames`      each frame, as JSON or as a line
`network`     the same of a capture of a network: connections, servers, their units
`meaning`     what registers mean: map files and SunSpec
`registers`   the final images, as JSON or as a table
`progress`    how far a long recording was read, on a terminal
`summary`     what a person wants to know of a recording first
============  ==========================================================
"""
