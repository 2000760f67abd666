"""MQTT: states for everybody, discovery for Home Assistant."""
