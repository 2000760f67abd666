"""What docs/mqtt.md tells people to do works, to the letter."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

from harness import ROOT, Bench, device_ids, free_port, is_online
from harness.basics import program

PAGE = (Path(__file__).parents[2] / "docs" / "mqtt.md").read_text("utf-8")


def blocks(kind: str) -> list[str]:
    found = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return [text for what, text in found if what == kind]


def run(commands: str, folder: Path) -> None:
    subprocess.run(["sh", "-e", "-c", commands], cwd=folder, check=True, capture_output=True)


async def test_mosquitto_as_on_the_page(bench: Bench) -> None:
    program("openssl", "openssl")
    (commands,) = [block for block in blocks("sh") if "openssl req" in block]
    run(commands, bench.folder)
    secured, web = blocks("")
    tls_port, web_port = free_port(), free_port()
    lines = secured.replace("listener 8883", f"listener {tls_port} 127.0.0.1")
    lines += web.replace("listener 9001", f"listener {web_port} 127.0.0.1")
    broker = await bench.broker(extra=lines.replace("/etc/mosquitto/certs", str(bench.folder)))
    recorder = await bench.recorder(broker.port)
    pvs = await bench.pvs()
    certificates = {
        "ca_file": str(bench.folder / "ca.crt"),
        "certificate_file": str(bench.folder / "client.crt"),
        "key_file": str(bench.folder / "client.key"),
    }
    service = await bench.service(tls_port, pvs.port, mqtt={"host": "localhost", "tls": True, **certificates})
    await recorder.have(*device_ids(pvs))
    mark = recorder.mark()
    service.write(mqtt={"host": "127.0.0.1", "port": web_port, "transport": "websockets", "path": "/mqtt"})
    text = service.file.read_text()
    for key in ("tls", *certificates):
        text = re.sub(rf'^"{key}" = .*\n', "", text, flags=re.MULTILINE)
    service.file.write_text(text)
    service.signal(1)
    await recorder.wait(f"{ROOT}/status", is_online, mark)


def test_every_option_on_the_page_exists() -> None:
    example = (Path(__file__).parents[2] / "config" / "pvsmqtt.example.toml").read_text("utf-8")
    for block in blocks("toml"):
        for key in re.findall(r"^(\w+) = ", block, re.MULTILINE):
            assert re.search(rf"^(# )?{key} = ", example, re.MULTILINE), key
