"""``pvsmqtt sniff``: what goes on on a line, live.

===========  ==============================================================================
`which`      the line: from the command line or the configuration, with its speed
`picture`    what was heard so far, as a display needs it: pure
`screen`     a picture as a screen of a terminal (rich)
`plain`      a line or a JSON object for each frame, for pipes; and the summary at the end
`network`    the same of a capture of a network, with a picture for each server
`command`    the command
===========  ==============================================================================
"""
