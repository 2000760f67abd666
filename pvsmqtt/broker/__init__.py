"""A connection to an MQTT broker, for whoever publishes to one and whoever listens to one.

`options` is what people write about a broker, `connection` connects to it, `versions` says which version of MQTT is
tried next, `message` is what is published. `tls` is how it is encrypted, `certificate` reads what is shown. Why it
does not work: `reasons` are those that a broker tells, `explain` finds out the others, `refused` carries them.
`pauses` says when it is tried again, `pace` how fast may be published.
"""
