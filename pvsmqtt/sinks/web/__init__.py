"""The status page: a small web server that shows what is on the bus, to people and to programs.

`view` and `stream` are what is shown, `hosts`, `passwords`, `sessions` and `guard` who may see it, `door` how many
at once, `routes` what is where, `sink` runs it all. Nothing that comes in here changes anything but who is logged in.
"""
