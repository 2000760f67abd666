"""What people write by hand in an afternoon: the peer of `peer.py`.

    python benchmarks/handwritten.py PVS_URL BROKER_PORT SECONDS

Fetches the DeviceList, and publishes the entry of each device as it is. No units, no numbers, no house, no
discovery, no availability; one reply that is not JSON ends it.
"""

from __future__ import annotations

import json
import sys
import time
import urllib.request

import paho.mqtt.client as mqtt


def main() -> None:
    url, port, interval = sys.argv[1], int(sys.argv[2]), float(sys.argv[3])
    client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2)
    client.connect("127.0.0.1", port)
    client.loop_start()
    while True:
        started = time.monotonic()
        with urllib.request.urlopen(f"{url}/cgi-bin/dl_cgi?Command=DeviceList", timeout=120) as response:
            reply = json.loads(response.read())
        for device in reply["devices"]:
            client.publish(f"peer/home/{device['SERIAL']}/state", json.dumps(device), qos=0, retain=True)
        time.sleep(max(0.0, started + interval - time.monotonic()))


if __name__ == "__main__":
    main()
