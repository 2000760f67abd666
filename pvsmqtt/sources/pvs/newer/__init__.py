"""Firmware with a login: the varserver."""
