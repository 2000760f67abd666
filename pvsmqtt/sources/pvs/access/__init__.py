"""Speaking to a PVS: addresses, the table of requests, one connection, the login."""
