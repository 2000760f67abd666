"""Finding a PVS, its commissioning network, its own log."""
