"""Equipment that is not there: what the tests and the demo talk to.

The other side of the wire, written from what real equipment was seen to send; it shares no code with
`pvsmqtt.sources`, so that one cannot hide the other's mistakes.
"""
