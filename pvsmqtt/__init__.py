"""pvsmqtt: SunPower / SunStrong PVS5 and PVS6 to MQTT and Home Assistant."""

__version__ = "0.1.0"
