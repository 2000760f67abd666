"""A connection to an MQTT broker, for whoever publishes to one and whoever listens to one.

`options` is what people write about a broker, `connection` connects to it, `versions` says which version of MQTT is
tried next, `message` is what is published.
"""
