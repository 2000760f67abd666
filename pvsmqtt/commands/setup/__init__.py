"""``pvsmqtt setup``: the guided first run, and later ones.

`given` is what was answered beforehand (options, a file, the environment), `present` what a configuration file says
already, `talk` how a question is asked, or not asked where nobody sits at a terminal. The questions themselves:
`ask_pvs`, `ask_broker`, `ask_more`. They make a `Choices` (`choices`), which becomes the text of a file, is proved to
load, and only then written (`writing`). `command` is the order of it all.

Nothing is written before the last question, so that Ctrl-C leaves everything as it was.
"""
