"""Real processes on loopback: a mosquitto, the service, a simulated PVS, a recording subscriber, a bad network.

Everything that is waited for is an event (a message, a log line, the end of a process); a time-out only bounds how
long a failing test takes. `Bench` starts things and ends them again, each by its own process id.
"""

from harness.basics import NOON, PATIENCE, ROOT, Feed, free_port
from harness.bench import Bench, device_ids
from harness.processes import Mosquitto, Process, Service, pvsmqtt
from harness.proxy import Proxy
from harness.subscriber import Recorder, Seen, is_offline, is_online, retained

__all__ = [
    "NOON",
    "PATIENCE",
    "ROOT",
    "Bench",
    "Feed",
    "Mosquitto",
    "Process",
    "Proxy",
    "Recorder",
    "Seen",
    "Service",
    "device_ids",
    "free_port",
    "is_offline",
    "is_online",
    "pvsmqtt",
    "retained",
]
