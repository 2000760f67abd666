"""``pvsmqtt setup`` on a terminal and without one, against a simulated PVS and a real broker, all on loopback."""

from __future__ import annotations

import json
import tomllib
import uuid
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Any

import pytest
from harness import Bench, Mosquitto, free_port, pvsmqtt
from harness.processes import environment
from harness.terminal import CTRL_C, CTRL_D, Conversation, conversation
from helpers_web import HASH

from pvsmqtt.settings import load
from pvsmqtt.settings.example import example
from pvsmqtt.simulator.pvs.house.house import House
from pvsmqtt.simulator.pvs.server import PvsSimulator

SECRET = 'gl"üh\\wein #1'
FIND, BROKERS, MORE = (
    "pvsmqtt.sources.pvs.finding.find",
    "pvsmqtt.broker.finding",
    "pvsmqtt.commands.setup.ask_more",
)


class Home:
    """What setup can find, and the file that it writes."""

    def __init__(self, bench: Bench) -> None:
        self.bench = bench
        self.file = bench.folder / "etc" / "pvsmqtt.toml"
        self.adapters = bench.folder / "by-id"
        self.pvs: list[str] = []
        self.brokers: list[tuple[str, int]] = []

    @property
    def patch(self) -> dict[str, object]:
        other = f"_p{uuid.uuid4().hex[:11]}._tcp.local."
        return {
            f"{FIND}.PLACES": tuple(self.pvs),
            f"{FIND}.INTERFACES": ("127.0.0.1",),
            f"{FIND}.TYPES": {other: "PVS6"},
            f"{FIND}.LISTEN": 0.01,
            f"{BROKERS}.PLACES": tuple(self.brokers),
            f"{BROKERS}.INTERFACES": ("127.0.0.1",),
            f"{BROKERS}.TYPES": {other: None},
            f"{BROKERS}.LISTEN": 0.01,
            f"{MORE}.ADAPTERS": str(self.adapters),
        }

    def talk(self, *arguments: str) -> AbstractAsyncContextManager[Conversation]:
        process = pvsmqtt("setup", "--config", str(self.file), *arguments, patch=self.patch)
        return conversation(process.command, process.env)

    async def run(self, *arguments: str, **env: str) -> tuple[int, str, str]:
        """Without a terminal."""
        command = ("setup", "--config", str(self.file), *arguments)
        return await pvsmqtt(*command, env=environment(**env), patch=self.patch).run(60)

    @property
    def document(self) -> dict[str, Any]:
        document = tomllib.loads(self.file.read_text("utf-8"))
        return {key: value for key, value in document.items() if value != {}}

    @property
    def password(self) -> Path:
        return self.file.with_name("mqtt_password")

    async def is_good(self) -> None:
        """The file loads, and check is content with it."""
        load(self.file, {})
        status, out, log = await pvsmqtt("check", "--config", str(self.file)).run(60)
        assert (status, log) == (0, ""), out

    def nothing_written(self) -> bool:
        return not self.file.parent.exists()


@pytest.fixture
def home(bench: Bench) -> Home:
    return Home(bench)


@pytest.fixture
async def broker(bench: Bench, home: Home) -> Mosquitto:
    broker = await bench.broker({"solar": SECRET})
    home.brokers.append(("127.0.0.1", broker.port))
    return broker


@pytest.fixture
async def pvs(bench: Bench, home: Home) -> PvsSimulator:
    pvs = await bench.pvs()
    home.pvs.append(f"127.0.0.1:{pvs.port}")
    return pvs


async def the_rest(talk: Conversation, write: str = "Write ") -> None:
    """What is asked at the end: the status page, and whether to write."""
    await talk.answer("Which?")
    await talk.until(write)
    await talk.answer("[Y/n]")


async def test_a_house_with_one_of_each(home: Home, broker: Mosquitto, pvs: PvsSimulator) -> None:
    async with home.talk() as talk:
        await talk.answer(f"Found PVS6 at 127.0.0.1:{pvs.port}")
        assert "4 × Inverter" in await talk.answer("Address of the MQTT broker")
        await talk.answer("User name at the broker", "solar")
        await talk.answer("Password", SECRET)
        await talk.until("lets us in")
        await the_rest(talk)
        await talk.until(f"pvsmqtt run --config {home.file}")
        assert await talk.ended() == 0
        assert SECRET not in talk.text
        assert "BAD" not in talk.text
    assert home.document == {
        "mqtt": {"host": "127.0.0.1", "port": broker.port, "username": "solar"},
        "pvs": [{"host": f"127.0.0.1:{pvs.port}"}],
    }
    assert home.password.read_text("utf-8") == f"{SECRET}\n"
    assert home.password.stat().st_mode & 0o777 == 0o600
    assert home.file.stat().st_mode & 0o777 == 0o644
    assert sorted(one.name for one in home.file.parent.iterdir()) == ["mqtt_password", "pvsmqtt.toml"]
    text = home.file.read_text("utf-8")
    assert "# Seconds between two polls, at least 60." in text
    assert "# interval = 300" in text
    assert SECRET not in text
    await home.is_good()


async def test_a_pvs_is_asked_for_its_devices_once(home: Home, broker: Mosquitto, pvs: PvsSimulator) -> None:
    async with home.talk() as talk:
        await talk.answer("Found PVS6")
        await talk.answer("Address of the MQTT broker")
        await talk.answer("User name at the broker", "solar")
        await talk.answer("Password", SECRET)
        await the_rest(talk)
        assert await talk.ended() == 0
    lists = [one for one in pvs.stats.requests if "DeviceList" in str(one)]
    assert len(lists) == 1


async def test_a_refused_login_is_explained_and_asked_again(home: Home, broker: Mosquitto, pvs: PvsSimulator) -> None:
    async with home.talk() as talk:
        await talk.answer("Found PVS6")
        await talk.answer("Address of the MQTT broker")
        await talk.answer("User name at the broker", "")
        await talk.until("make a user for pvsmqtt")
        await talk.answer("Which?", "1")
        await talk.answer("User name at the broker", "solar")
        await talk.answer("Password", "wrong")
        await talk.until("refused")
        await talk.answer("Which?", "1")
        await talk.answer("User name at the broker (-: none) [solar]")
        await talk.answer("Password", SECRET)
        await talk.until("lets us in")
        await the_rest(talk)
        assert await talk.ended() == 0
    assert home.document["mqtt"]["username"] == "solar"
    await home.is_good()


async def test_no_pvs(home: Home, broker: Mosquitto, bench: Bench) -> None:
    """None is found; what is typed does not answer; then it does."""
    simulator = await bench.pvs(start=False)
    async with home.talk() as talk:
        said = await talk.until("a PVS seems to announce itself only when")
        assert said.lower().count("found") == 1, said
        said = await talk.answer("Address of the PVS [172.27.153.1]", "ftp://there")
        assert "--host" not in said, "that is an option of discover"
        await talk.until("allowed: http and https")
        await talk.answer("Address of the PVS", f"127.0.0.1:{simulator.port}")
        await talk.until("cannot be read now")
        await simulator.start()
        await talk.answer("Which?", "1")
        await talk.until("4 × Inverter")
        await talk.answer("Address of the MQTT broker")
        await talk.answer("User name at the broker", "solar")
        await talk.answer("Password", SECRET)
        await the_rest(talk)
        assert await talk.ended() == 0
    await home.is_good()


async def test_a_pvs_that_comes_later(home: Home, broker: Mosquitto) -> None:
    place = f"127.0.0.1:{free_port()}"
    async with home.talk() as talk:
        await talk.answer("Address of the PVS", place)
        await talk.answer("Which?", "3")
        await talk.answer("Address of the MQTT broker")
        await talk.answer("User name at the broker", "solar")
        await talk.answer("Password", SECRET)
        await the_rest(talk)
        await talk.until(f"not ready: pvs {place}")
        assert await talk.ended() == 1
    assert home.document["pvs"] == [{"host": place}]
    load(home.file, {})


async def test_several_pvs(home: Home, broker: Mosquitto, pvs: PvsSimulator, bench: Bench) -> None:
    other = await bench.pvs(firmware="61845", https=True, house=House(4, seed=3))
    home.pvs.append(other.https_url)
    async with home.talk() as talk:
        await talk.until("Several were found.")
        await talk.answer("Which?", "9")
        await talk.until("a number from 1 to 4")
        await talk.answer("Which?", "3")
        await talk.answer("Address of the MQTT broker")
        await talk.answer("User name at the broker", "solar")
        await talk.answer("Password", SECRET)
        await the_rest(talk)
        assert await talk.ended() == 0
    assert {one["host"] for one in home.document["pvs"]} == set(home.pvs)
    await home.is_good()


async def test_no_broker_at_all(home: Home, pvs: PvsSimulator) -> None:
    async with home.talk() as talk:
        await talk.answer("Found PVS6")
        await talk.until("none was found")
        await talk.answer("Address of the MQTT broker", "http://x/y")
        await talk.until("is no address of a broker")
        await talk.answer("Address of the MQTT broker", f"127.0.0.1:{free_port()}")
        await talk.answer("User name at the broker")
        await talk.until("no broker answers")
        await talk.answer("Which?", "3")
        await talk.until("runs inside pvsmqtt")
        await the_rest(talk)
        assert await talk.ended() == 0
    assert home.document["mqtt"] == {"host": "embedded"}
    assert not home.password.exists()
    await home.is_good()


@pytest.mark.parametrize("key", [CTRL_C, CTRL_D])
@pytest.mark.parametrize("question", ["Found PVS6", "Address of the MQTT broker", "User name", "Password", "Write "])
async def test_given_up(home: Home, broker: Mosquitto, pvs: PvsSimulator, question: str, key: str) -> None:
    answers = {"Found PVS6": "", "Address of the MQTT broker": "", "User name": "solar", "Password": SECRET}
    async with home.talk("--web", "off") as talk:
        for asked, answer in answers.items():
            if asked == question:
                break
            await talk.answer(asked, answer)
        await talk.until(question)
        await talk.until(": ")
        talk.press(key)
        await talk.until("interrupted: nothing was written")
        assert await talk.ended() == 1
    assert home.nothing_written()


async def test_a_no_at_the_end(home: Home, broker: Mosquitto, pvs: PvsSimulator) -> None:
    async with home.talk("--broker", f"127.0.0.1:{broker.port}", "--user", "solar") as talk:
        await talk.answer("Found PVS6")
        await talk.answer("Password", SECRET)
        await talk.answer("Which?")
        await talk.answer("Write ", "n")
        await talk.until("nothing was written")
        assert await talk.ended() == 1
    assert home.nothing_written()


async def without_questions(home: Home, broker: Mosquitto, *more: str) -> tuple[int, str, str]:
    login = ("--broker", f"127.0.0.1:{broker.port}", "--user", "solar")
    return await home.run("--yes", *login, *more, PVSMQTT_MQTT__PASSWORD=SECRET)


async def test_again_with_what_is_there(home: Home, broker: Mosquitto, pvs: PvsSimulator) -> None:
    """Enter, Enter, Enter: everything stays."""
    assert (await without_questions(home, broker))[0] == 0
    before = home.file.read_bytes(), home.file.stat().st_mtime_ns
    async with home.talk() as talk:
        await talk.answer("as in the file. Keep that?")
        await talk.answer(f"Address of the MQTT broker (host or host:port) [127.0.0.1:{broker.port}]")
        await talk.answer("User name at the broker (-: none) [solar]")
        await talk.answer("Password (Enter: the present one)")
        await talk.answer("Which?")
        await talk.until("nothing was written")
        assert await talk.ended() == 0
    assert (home.file.read_bytes(), home.file.stat().st_mtime_ns) == before
    assert home.password.read_text("utf-8") == f"{SECRET}\n"


async def test_again_with_another_pvs(home: Home, broker: Mosquitto, pvs: PvsSimulator, bench: Bench) -> None:
    assert (await without_questions(home, broker))[0] == 0
    home.file.chmod(0o640)
    before = home.file.read_text("utf-8")
    home.pvs[:] = [f"127.0.0.1:{(await bench.pvs()).port}"]
    async with home.talk() as talk:
        await talk.answer("Keep that?", "n")
        await talk.answer(f"Found PVS6 at {home.pvs[0]}")
        await talk.answer("Address of the MQTT broker")
        await talk.answer("User name at the broker")
        await talk.answer("Password")
        await the_rest(talk, "Replace ")
        assert await talk.ended() == 0
    assert home.document["pvs"] == [{"host": home.pvs[0]}]
    (backup,) = home.file.parent.glob("pvsmqtt.toml.*")
    assert backup.read_text("utf-8") == before
    assert backup.stat().st_mode & 0o777 == home.file.stat().st_mode & 0o777 == 0o640
    await home.is_good()


async def test_no_login_any_more(home: Home, broker: Mosquitto, pvs: PvsSimulator, bench: Bench) -> None:
    """A password without a user would be an error: the file with it is set aside."""
    assert (await without_questions(home, broker))[0] == 0
    open_broker = await bench.broker()
    status, _, log = await home.run("--yes", "--broker", f"127.0.0.1:{open_broker.port}", "--user", "-")
    assert (status, log) == (0, "")
    assert home.document["mqtt"] == {"host": "127.0.0.1", "port": open_broker.port}
    assert not home.password.exists()
    assert home.password.with_name("mqtt_password.unused").stat().st_mode & 0o777 == 0o600
    await home.is_good()


OWN = """\
# mine
[mqtt]
host = "127.0.0.1"
port = {port}
username = "solar"
base_topic = "sun"
[[pvs]]
host = "{pvs}"
interval = 120
[names]
E1 = "Roof"
"""


async def test_a_file_of_the_owner(home: Home, broker: Mosquitto, pvs: PvsSimulator, bench: Bench) -> None:
    """It has more than setup knows of: it stays as it is, and what to change is said."""
    home.file.parent.mkdir()
    home.file.write_text(OWN.format(port=broker.port, pvs=home.pvs[0]))
    home.password.write_text(SECRET)
    before = home.file.read_bytes()
    status, out, _ = await home.run("--yes")
    assert status == 0
    assert "is as it should be: nothing was written" in out

    other = f"127.0.0.1:{(await bench.pvs()).port}"
    status, out, log = await home.run("--yes", "--pvs", other)
    assert status == 1
    assert "mqtt.base_topic, pvs[0].interval, names" in out
    assert f'[[pvs]]\n  host = "{other}"' in out
    assert "[mqtt]" not in out
    assert "was left as it is" in log
    assert home.file.read_bytes() == before
    assert sorted(one.name for one in home.file.parent.iterdir()) == ["mqtt_password", "pvsmqtt.toml"]


async def test_the_example_of_the_installation(home: Home, broker: Mosquitto, pvs: PvsSimulator) -> None:
    """Its addresses are made up: they are no answers."""
    home.file.parent.mkdir()
    home.file.write_text(example())
    status, _, log = await without_questions(home, broker)
    assert (status, log) == (0, "")
    assert home.document["pvs"] == [{"host": home.pvs[0]}]
    await home.is_good()


@pytest.mark.parametrize("text", ["[mqtt", "a = 1\na = 2", "\udcff"])
async def test_a_file_that_is_broken(home: Home, text: str) -> None:
    home.file.parent.mkdir()
    home.file.write_bytes(text.encode(errors="surrogateescape"))
    status, _, log = await home.run("--yes", "--pvs", "auto", "--broker", "embedded")
    assert status == 2
    assert "was left as it is" in log
    assert home.file.read_bytes() == text.encode(errors="surrogateescape")


async def test_values_that_cannot_be(home: Home, broker: Mosquitto, pvs: PvsSimulator) -> None:
    home.file.parent.mkdir()
    home.file.write_text('instance = "No Way"\n[mqtt]\nhost = 7\n[[pvs]]\nhost = "ftp://x"\n')
    status, _, log = await without_questions(home, broker)
    assert (status, log) == (0, "")
    assert home.document["pvs"] == [{"host": home.pvs[0]}]
    await home.is_good()


class TestWithoutATerminal:
    async def test_no_answers(self, home: Home) -> None:
        status, out, log = await home.run()
        assert (status, out) == (2, "")
        assert "--yes, --answers FILE or options" in log
        assert home.nothing_written()

    async def test_everything_is_found(self, home: Home, pvs: PvsSimulator, bench: Bench) -> None:
        broker = await bench.broker()
        home.brokers.append(("127.0.0.1", broker.port))
        status, out, log = await home.run("--yes")
        assert (status, log) == (0, "")
        assert "good  broker" in out
        assert home.document["mqtt"] == {"host": "127.0.0.1", "port": broker.port}

    async def test_a_file_of_answers(self, home: Home, broker: Mosquitto, pvs: PvsSimulator, tmp_path: Path) -> None:
        (tmp_path / "secret").write_text(f"{SECRET}\n")
        (tmp_path / "answers.toml").write_text(
            f'broker = "127.0.0.1:{broker.port}"\nuser = "solar"\npassword_file = "{tmp_path}/secret"\n'
            f'pvs = "{home.pvs[0]}"\ninstance = "barn"\nrs485 = ["tcp://127.0.0.1:{free_port()}"]\n'
        )
        status, _, log = await home.run("--answers", str(tmp_path / "answers.toml"))
        assert status == 1
        assert log == "pvsmqtt: not ready: rs485 rs485", "nobody listens there"
        assert home.document["instance"] == "barn"
        assert home.document["mqtt"]["username"] == "solar"
        assert home.password.read_text("utf-8") == f"{SECRET}\n"
        load(home.file, {})

    @pytest.mark.parametrize(
        ("text", "said"),
        [
            ("brocker = 'x'", "key `brocker`: unknown. Allowed here: broker, user"),
            ("pvs = [1]", 'key `pvs`: expected text in quotes, or a list ["…"]'),
            ("yes = 1", "key `yes`: expected true or false"),
            ("broker = [", "cannot be read as TOML"),
            ("pvs = 'ftp://x'", "pvs: ftp:// is not something a PVS speaks"),
            ("broker = 'a b'", "broker: 'a b' is no address of a broker"),
            ("instance = 'No Way'", "instance: 'No Way' cannot be part of a topic"),
            ("password_file = '/nowhere'", "/nowhere: cannot be read"),
        ],
    )
    async def test_answers_that_cannot_be(self, home: Home, tmp_path: Path, text: str, said: str) -> None:
        (tmp_path / "answers.toml").write_text(text)
        status, _, log = await home.run("--answers", str(tmp_path / "answers.toml"))
        assert status == 2
        assert said in log
        assert home.nothing_written()

    async def test_answers_that_are_not_there(self, home: Home, tmp_path: Path) -> None:
        status, _, log = await home.run("--answers", str(tmp_path / "nope"))
        assert status == 2
        assert f"{tmp_path / 'nope'}: there is no such file" in log
        assert "TOML" not in log
        status, _, log = await home.run("--answers", str(tmp_path))
        assert (status, log.count("TOML")) == (2, 0)
        assert "cannot be read: Is a directory" in log

    async def test_nothing_is_found(self, home: Home) -> None:
        status, _, log = await home.run("--yes", "--pvs", "auto")
        assert status == 2
        assert "give --broker HOST. Nothing was written" in log
        assert home.nothing_written()

    async def test_several_pvs(self, home: Home, broker: Mosquitto, pvs: PvsSimulator, bench: Bench) -> None:
        home.pvs.append((await bench.pvs(firmware="61845", https=True, house=House(4, seed=3))).https_url)
        status, _, log = await without_questions(home, broker)
        assert status == 2
        assert "say which one with --pvs" in log
        assert home.nothing_written()

    async def test_a_file_is_replaced_only_on_demand(
        self, home: Home, broker: Mosquitto, pvs: PvsSimulator, bench: Bench
    ) -> None:
        assert (await without_questions(home, broker))[0] == 0
        before = home.file.read_bytes()
        other = f"127.0.0.1:{(await bench.pvs()).port}"
        status, _, log = await home.run("--pvs", other)
        assert status == 2
        assert "would be replaced: add --yes" in log
        assert home.file.read_bytes() == before
        assert (await home.run("--pvs", other, "--yes"))[0] == 0
        assert home.document["pvs"] == [{"host": other}]

    async def test_a_wrong_password(self, home: Home, broker: Mosquitto, pvs: PvsSimulator) -> None:
        """What was told is written; what is wrong with it is said."""
        status, out, log = await home.run(
            *("--yes", "--broker", f"127.0.0.1:{broker.port}", "--user", "solar"), PVSMQTT_MQTT__PASSWORD="no secret"
        )
        assert (status, log) == (1, "pvsmqtt: not ready: broker")
        assert "no secret" not in out
        assert home.document["mqtt"]["username"] == "solar"


class TestAnotherOnTheBroker:
    @pytest.fixture
    async def open_broker(self, bench: Bench, home: Home) -> Mosquitto:
        broker = await bench.broker()
        home.brokers.append(("127.0.0.1", broker.port))
        return broker

    @staticmethod
    async def published(broker: Mosquitto, status: str) -> None:
        import aiomqtt

        async with aiomqtt.Client("127.0.0.1", broker.port) as client:
            await client.publish("pvsmqtt/home/status", status, qos=1, retain=True)
            info = json.dumps({"started_at": "2026-06-21T18:00:00Z"})
            await client.publish("pvsmqtt/home/info", info, qos=1, retain=True)

    async def test_that_is_online(self, home: Home, open_broker: Mosquitto, pvs: PvsSimulator) -> None:
        await self.published(open_broker, "online")
        async with home.talk() as talk:
            await talk.answer("Found PVS6")
            await talk.answer("Address of the MQTT broker")
            await talk.answer("User name at the broker")
            await talk.until("online, running since 2026-06-21T18:00:00Z")
            await talk.answer("Name of this installation [home-", "Barn")
            await talk.until("cannot be part of a topic")
            await talk.answer("Name of this installation", "barn")
            await the_rest(talk)
            assert await talk.ended() == 0
        assert home.document["instance"] == "barn"
        await home.is_good()

    async def test_that_is_gone(self, home: Home, open_broker: Mosquitto, pvs: PvsSimulator) -> None:
        await self.published(open_broker, "offline")
        status, out, log = await home.run("--yes")
        assert (status, log) == (0, "")
        assert "it is offline now" in out
        assert "instance" not in home.document

    async def test_nobody_can_be_asked(self, home: Home, open_broker: Mosquitto, pvs: PvsSimulator) -> None:
        await self.published(open_broker, "online")
        status, _, log = await home.run("--yes")
        assert status == 2
        assert "give --instance NAME" in log
        assert home.nothing_written()
        assert (await home.run("--yes", "--instance", "barn"))[0] == 0
        assert home.document["instance"] == "barn"

    async def test_that_is_this_one(self, home: Home, open_broker: Mosquitto, pvs: PvsSimulator) -> None:
        assert (await home.run("--yes"))[0] == 0
        await self.published(open_broker, "online")
        status, out, log = await home.run("--yes")
        assert (status, log) == (0, "")
        assert "Another pvsmqtt" not in out


async def test_serial_adapters(home: Home, broker: Mosquitto, pvs: PvsSimulator) -> None:
    home.adapters.mkdir()
    for name in ("usb-Cheap_1", "usb-FTDI_2", "usb-FTDI_3"):
        (home.adapters / name).write_text("")
    async with home.talk("--broker", f"127.0.0.1:{broker.port}", "--user", "solar") as talk:
        await talk.answer("Found PVS6")
        await talk.answer("Password", SECRET)
        for name, answer in (("usb-Cheap_1", ""), ("usb-FTDI_2", "y"), ("usb-FTDI_3", "Y")):
            await talk.until(f"A serial adapter is plugged in: {name}")
            await talk.answer("Does it hear the RS-485 bus", answer)
        await the_rest(talk)
        await talk.until("not ready: rs485 rs485, rs485 rs485_2")
        assert await talk.ended() == 1, "they are plain files"
    assert home.document["rs485"] == [
        {"line": f"serial://{home.adapters}/usb-FTDI_2"},
        {"line": f"serial://{home.adapters}/usb-FTDI_3", "name": "rs485_2"},
    ]
    load(home.file, {})


async def test_a_gateway_only_when_asked_for(home: Home, broker: Mosquitto, pvs: PvsSimulator) -> None:
    await without_questions(home, broker, "--gateway", "127.0.0.9")
    assert home.document["modbus_tcp"] == [{"host": "127.0.0.9"}]
    load(home.file, {})


async def test_the_status_page(home: Home, broker: Mosquitto, pvs: PvsSimulator) -> None:
    async with home.talk("--broker", f"127.0.0.1:{broker.port}", "--user", "solar") as talk:
        await talk.answer("Found PVS6")
        await talk.answer("Password", SECRET)
        await talk.until("A status page")
        await talk.answer("Which?", "2")
        await talk.answer("Write ")
        assert await talk.ended() == 0
    assert home.document["web"] == {"listen": "127.0.0.1:8485"}
    assert (await home.run("--yes", "--web", "off"))[0] == 0
    assert "web" not in home.document


async def test_a_page_for_everybody_wants_a_password(home: Home, broker: Mosquitto, pvs: PvsSimulator) -> None:
    async def told(listen: str) -> str:
        _, out, _ = await without_questions(home, broker, "--web", listen)
        return out.partition("What comes next:")[2]

    assert "pvsmqtt web-password" not in await told(f"127.0.0.1:{free_port()}")
    place = f":{free_port()}"
    assert "pvsmqtt web-password" in await told(place)
    file = home.file.read_text("utf-8")
    home.file.write_text(file.replace(f'listen = "{place}"', f'listen = "{place}"\npassword_hash = "{HASH}"'))
    status, out, _ = await home.run("--yes", "--broker", f"127.0.0.1:{broker.port}", "--user", "solar")
    assert status == 0
    assert "What comes next:" in out
    assert "web-password" not in out


async def test_where_it_may_not_write(home: Home) -> None:
    file = home.bench.folder / "plain"
    file.write_text("")
    home.file = file / "pvsmqtt.toml"
    status, _, log = await home.run("--yes")
    assert status == 1
    assert "may not be written by this user: use sudo" in log
