"""A simulated PV supervisor: a house with panels (`house`), how it speaks of it (`dl_cgi`), and a `server`.

The house knows no protocol and the firmware's manner of speaking knows no HTTP: another generation of
firmware is another renderer and a few more routes.
"""
