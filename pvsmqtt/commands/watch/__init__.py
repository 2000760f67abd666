"""``pvsmqtt watch``: the house in a terminal, from what stands on the broker.

===========  ==============================================================================
`where`      the broker: from the command line or the configuration
`documents`  what comes from outside, made harmless
`seen`       topics in, what is known of one instance: pure
`picture`    what is known at one moment, as a display needs it: pure
`words`      powers, directions, ages in words
`lines`      lines of a terminal, made of cells
`blocks`     the parts of the screen: house, storage, sources, …
`roof`       the panels, each with a bar
`lists`      all panels, all devices
`screen`     the views, scrolled and fitted to a terminal
`plain`      a line now and then, for pipes; and one JSON document
`keys`       the keyboard
`command`    the command
===========  ==============================================================================
"""
