"""The web server around it: routes, faults, controls, live data."""
