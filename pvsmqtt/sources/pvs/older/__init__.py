"""Firmware without a login: the DeviceList and the state of a SunVault."""
