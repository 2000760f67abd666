"""Loading settings: where values come from, and what people are told when something is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import pytest
from pydantic import Field, SecretStr, ValidationError

from pvsmqtt import settings as settings_module
from pvsmqtt.options import ALLOW_FAST_POLLING, Options
from pvsmqtt.settings import Settings, SettingsError, load
from pvsmqtt.sinks.mqtt.options import MqttOptions
from pvsmqtt.sources.base import SourceKind

FOUR_LINES = '[mqtt]\nhost = "broker"\n[[pvs]]\nhost = "172.27.153.1"\n'
ENOUGH = {"PVSMQTT_MQTT__HOST": "broker", "PVSMQTT_PVS__0__HOST": "172.27.153.1"}
Load = Callable[..., Any]


@pytest.fixture(autouse=True)
def no_default_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The default file of a test, which does not exist; the environment of the process plays no part."""
    default = tmp_path / "etc" / "pvsmqtt.toml"
    monkeypatch.setattr(settings_module, "DEFAULT_PATH", default)
    return default


@pytest.fixture
def load_text(tmp_path: Path) -> Load:
    def load_text(text: str, environ: Mapping[str, str] | None = None) -> Settings:
        (tmp_path / "pvsmqtt.toml").write_text(text, encoding="utf-8")
        return load(tmp_path / "pvsmqtt.toml", environ or {})

    return load_text


@pytest.fixture
def problems(load_text: Load, tmp_path: Path) -> Callable[..., list[str]]:
    def problems(text: str, environ: Mapping[str, str] | None = None) -> list[str]:
        """The lines of the error, with the folder of the file taken off."""
        with pytest.raises(SettingsError) as caught:
            load_text(text, environ)
        assert caught.value.__cause__ is None
        assert caught.value.__context__ is None
        lines = str(caught.value).splitlines()
        assert lines == list(caught.value.problems)
        return [line.replace(f"{tmp_path}/", "") for line in lines]

    return problems


def add_kind(monkeypatch: pytest.MonkeyPatch, **kinds: type[Options]) -> None:
    def build(options: Options) -> Any: ...

    installed = settings_module.source_kinds()
    added = {name: SourceKind(options, build, build) for name, options in kinds.items()}
    monkeypatch.setattr(settings_module, "source_kinds", lambda: {**installed, **added})


# --- values and where they come from


def test_four_lines_suffice(load_text: Load) -> None:
    settings = load_text(FOUR_LINES)
    assert (settings.instance, settings.state_dir) == ("home", Path("/var/lib/pvsmqtt"))
    assert (settings.mqtt.host, settings.mqtt.port) == ("broker", 1883)
    assert settings.home_assistant.discovery is True
    ((name, kind, options),) = settings.sources()
    assert (name, kind) == ("pvs", settings_module.source_kinds()["pvs"])
    assert (options.host, options.interval) == ("172.27.153.1", 300.0)


def test_settings_do_not_change(load_text: Load) -> None:
    settings = load_text(FOUR_LINES)
    with pytest.raises(ValidationError):
        settings.instance = "other"


def test_the_constructor_looks_at_no_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PVSMQTT_INSTANCE", "other")
    monkeypatch.setenv("INSTANCE", "other")
    assert Settings(mqtt=MqttOptions(host="broker")).instance == "home"


def test_environ_none_is_that_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in ENOUGH.items():
        monkeypatch.setenv(name, value)
    assert load().mqtt.host == "broker"
    with pytest.raises(SettingsError):
        load(environ={})


def test_environment_goes_over_the_file(load_text: Load) -> None:
    environ = {
        "PVSMQTT_INSTANCE": "barn",
        "pvsmqtt_mqtt__port": "1884",
        "PVSMQTT_HOME_ASSISTANT__DISCOVERY": "false",
        "PVSMQTT_NAMES": '{"b": "B"}',
        "PVSMQTT_IGNORE": '["x"]',
        "PVSMQTT_MQTT__HOST": "",
    }
    settings = load_text('instance = "home"\nignore = ["a", "b"]\n' + FOUR_LINES + '[names]\na = "A"\n', environ)
    assert (settings.instance, settings.mqtt.port, settings.mqtt.host) == ("barn", 1884, "broker")
    assert settings.home_assistant.discovery is False
    assert settings.names == {"a": "A", "b": "B"}
    assert settings.ignore == ["x"]


def test_entries_of_lists_by_index(load_text: Load) -> None:
    environ = {
        "PVSMQTT_PVS__1__HOST": "second",
        "PVSMQTT_PVS__0__API": "legacy",
        "PVSMQTT_IGNORE__0": "190258000001",
    }
    settings = load_text(FOUR_LINES, environ)
    assert [(pvs.host, pvs.api) for pvs in settings.pvs] == [("172.27.153.1", "legacy"), ("second", "auto")]
    assert settings.ignore == ["190258000001"]


def test_sources_that_go_first(load_text: Load) -> None:
    assert load_text(FOUR_LINES).precedence == []
    named = load_text('precedence = ["pvs", "modbus_tcp conext"]\n' + FOUR_LINES)
    assert named.precedence == ["pvs", "modbus_tcp conext"]
    with pytest.raises(SettingsError, match="precedence"):
        load_text('precedence = "pvs"\n' + FOUR_LINES)


def test_more_than_ten_entries_keep_their_order() -> None:
    environ = {f"PVSMQTT_PVS__{i}__HOST": f"pvs{i}" for i in range(12)}
    settings = load(environ={"PVSMQTT_MQTT__HOST": "broker", **environ})
    assert [options.host for _, _, options in settings.sources()] == [f"pvs{i}" for i in range(12)]


def test_an_entry_as_json() -> None:
    settings = load(environ={"PVSMQTT_MQTT": '{"host": "broker"}', "PVSMQTT_PVS__0": '{"host": "a"}'})
    assert (settings.mqtt.host, settings.sources()[0][2].host) == ("broker", "a")


def test_order_of_files(tmp_path: Path, no_default_file: Path) -> None:
    files = {name: tmp_path / f"{name}.toml" for name in ("given", "named")} | {"default": no_default_file}
    no_default_file.parent.mkdir()
    for name, file in files.items():
        file.write_text(f'instance = "{name}"\n' + FOUR_LINES)
    environ = {"PVSMQTT_CONFIG": str(files["named"])}
    assert load(files["given"], environ).instance == "given"
    assert load(None, environ).instance == "named"
    assert load(None, {"PVSMQTT_CONFIG": ""}).instance == "default"


@pytest.mark.parametrize(
    ("environ", "text", "state_dir"),
    [
        ({"STATE_DIRECTORY": "/run/a:/run/b"}, "", "/run/a"),
        ({"STATE_DIRECTORY": ""}, "", "/var/lib/pvsmqtt"),
        ({"STATE_DIRECTORY": "/run/a"}, 'state_dir = "/srv"\n', "/srv"),
        ({"STATE_DIRECTORY": "/run/a", "PVSMQTT_STATE_DIR": "/env"}, 'state_dir = "/srv"\n', "/env"),
    ],
)
def test_state_dir(load_text: Load, environ: dict[str, str], text: str, state_dir: str) -> None:
    assert load_text(text + FOUR_LINES, environ).state_dir == Path(state_dir)


def test_sources_come_in_the_order_of_the_file(load_text: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    class Line(Options):
        line: str

    add_kind(monkeypatch, bus=Line, serial=Line)
    text = '[[serial]]\nline = "1"\n[[pvs]]\nhost = "a"\n[[serial]]\nline = "2"\n[[bus]]\nline = "3"\n'
    assert [name for name, _, _ in load_text(text, {"PVSMQTT_MQTT__HOST": "h"}).sources()] == [
        "serial",
        "serial",
        "pvs",
        "bus",
    ]


def test_fast_polling_is_allowed_by_a_switch_only(load_text: Load, problems: Callable[..., list[str]]) -> None:
    fast = FOUR_LINES + "interval = 0.5\n"
    assert load_text(fast, {"PVSMQTT_ALLOW_FAST_POLLING": "1"}).pvs[0].interval == 0.5
    assert ALLOW_FAST_POLLING.get() is False
    (line,) = problems(fast)
    assert line.startswith("pvsmqtt.toml:5: key `pvs[0].interval`: 0.5 is less than the minimum of 60 seconds: ")


# --- what people are told

ALLOWED_IN_MQTT = ", ".join(MqttOptions.model_fields)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("[mqtt]\nprot = 1", f"3: key `mqtt.prot`: unknown; did you mean `port`? Allowed here: {ALLOWED_IN_MQTT}"),
        ('[mqtt]\nport = "abc"', '3: key `mqtt.port`: found "abc", expected a whole number'),
        ("[mqtt]\nport = 70000", "3: key `mqtt.port`: found 70000, expected at most 65535"),
        ("[mqtt]\nkeepalive = 1", "3: key `mqtt.keepalive`: found 1, expected at least 5"),
        ('[mqtt]\nclient_id = ""', '3: key `mqtt.client_id`: found "", expected at least 1 characters'),
        ("[mqtt]\nbase_topic = 'a/#'", "3: key `mqtt.base_topic`: 'a/#' cannot be the start of a topic; "),
        ('[mqtt]\nprotocol = "4"', '3: key `mqtt.protocol`: found "4", expected "auto", "5" or "3.1.1"'),
        ("[mqtt]\nlisten = 5", "3: key `mqtt.listen`: found 5, expected text in quotes"),
        (
            '[home_assistant]\ndiscovery = "si"',
            '3: key `home_assistant.discovery`: found "si", expected true or false',
        ),
        ('log_level = "INFO"', '2: key `log_level`: found "INFO", expected "debug", "info", "warning" or "error"'),
        (
            'instance = "My Home"',
            "2: key `instance`: 'My Home' cannot be part of a topic; allowed: lower-case letters, ",
        ),
        ('home_assistant = "x"', "2: key `home_assistant`: found text, expected a table [home_assistant]"),
        ('ignore = ["a",\n 5]', "2: key `ignore[1]`: found 5, expected text in quotes"),
        ('ignore = "a"', '2: key `ignore`: found text, expected a list ["…"] in the file; '),
        ('[names]\n"a b" = 5', '3: key `names."a b"`: found 5, expected text in quotes'),
        ('[[pvs]]\nhost = "a"\napi = 1\n', '4: key `pvs[0].api`: found 1, expected "auto", "legacy" or "varserver"'),
        ("[[pvs]]\n[[pvs]]\nhost = 'b'", '2: key `pvs[0].host`: missing; write for example host = "172.27.153.1", '),
        ("[pvs]\nhost = 'a'", "2: key `pvs`: found a table, expected [[pvs]] in the file; "),
        ("pvs = [{}]", "2: key `pvs[0].host`: missing; "),
        ("names = 5", "2: key `names`: found a number, expected a table [names]"),
        ("_env_file = 'x'", "2: key `_env_file`: unknown. Allowed here: instance, "),
    ],
)
def test_each_mistake_is_named_with_its_line(problems: Callable[..., list[str]], text: str, line: str) -> None:
    given = {"PVSMQTT_MQTT__HOST": "h"} if "[[pvs]]" in text or "pvs" in text else ENOUGH
    (found,) = problems("# a comment\n" + text, given)
    assert found.startswith(f"pvsmqtt.toml:{line}")


def test_all_mistakes_at_once_down_the_file(problems: Callable[..., list[str]]) -> None:
    text = 'log_level = 1\n[mqtt]\npassword = "p"\npassword_file = "f"\nport = -1\n[[pvs]]\nhots = "a"\n[[psv]]\n'
    places = [line.split(": ", 2)[:2] for line in problems(text)]
    assert places == [
        ["pvsmqtt.toml:1", "key `log_level`"],
        ["pvsmqtt.toml:2", "key `mqtt.host`"],
        ["pvsmqtt.toml:4", "key `mqtt.password_file`"],
        ["pvsmqtt.toml:5", "key `mqtt.port`"],
        ["pvsmqtt.toml:6", "key `pvs[0].host`"],
        ["pvsmqtt.toml:7", "key `pvs[0].hots`"],
        ["pvsmqtt.toml:8", "key `psv`"],
    ]


def test_an_empty_file_says_what_to_write(problems: Callable[..., list[str]]) -> None:
    no_source, no_mqtt = problems("")
    assert "[[pvs]]" in no_source
    assert 'host = "172.27.153.1"' in no_source
    assert no_mqtt.startswith("pvsmqtt.toml: key `mqtt`: missing; add a table [mqtt] with host: ")


@pytest.mark.parametrize(
    ("name", "value", "told"),
    [
        ("PVSMQTT_MQTT__PROT", "1", "key `mqtt.prot`: unknown; did you mean PVSMQTT_MQTT__PORT? "),
        ("PVSMQTT_MQT__HOST", "a", "key `mqt`: unknown; did you mean PVSMQTT_MQTT? "),
        ("PVSMQTT_LOGLEVEL", "a", "key `loglevel`: unknown; did you mean PVSMQTT_LOG_LEVEL? "),
        ("PVSMQTT_XYZ", "a", "key `xyz`: unknown. Allowed here: instance, "),
        ("PVSMQTT_MQTT__PORT", "a", 'key `mqtt.port`: found "a", expected a whole number'),
        ("PVSMQTT_INSTANCE__X", "a", "key `instance`: found a table, expected text in quotes"),
        ("PVSMQTT_NAMES", "{a", 'key `names`: found text, expected JSON: {"…": …}'),
        ("PVSMQTT_PVS", "[a", "key `pvs`: found text, expected JSON: […]"),
        ("PVSMQTT_PVS", '[{"api": "auto"}]', "key `pvs[0].host`: missing; "),
        (
            "PVSMQTT_PVS__2__HOST",
            "a",
            "key `pvs`: found a table, expected [[pvs]] in the file; PVSMQTT_PVS__0 and so on",
        ),
        (
            "PVSMQTT_PVS__HOST",
            "a",
            "key `pvs`: found a table, expected [[pvs]] in the file; PVSMQTT_PVS__0 and so on",
        ),
        ("PVSMQTT_PVS__0__API", "a", 'key `pvs[0].api`: found "a", expected "auto", "legacy" or "varserver"'),
    ],
)
def test_a_mistake_in_the_environment_names_the_variable(
    problems: Callable[..., list[str]], name: str, value: str, told: str
) -> None:
    (line,) = problems(FOUR_LINES + '[names]\na = "A"\n', {name: value})
    assert line.startswith(f"{name}: {told}")


@pytest.mark.parametrize("order", [1, -1])
def test_a_variable_and_a_part_of_it(problems: Callable[..., list[str]], order: int) -> None:
    environ = {"PVSMQTT_PVS__0": '{"host": "a"}', "PVSMQTT_PVS__0__API": "legacy"}
    (line,) = problems(FOUR_LINES, dict(list(environ.items())[::order]))
    assert line.startswith("PVSMQTT_PVS__0__API: key `pvs[0].api`: PVSMQTT_PVS__0 sets this as a whole")


def test_a_value_with_two_types(
    load_text: Load, problems: Callable[..., list[str]], monkeypatch: pytest.MonkeyPatch
) -> None:
    class Line(Options):
        baudrate: int | Literal["auto"] = "auto"
        units: list[int] = Field(default=[])

    add_kind(monkeypatch, line=Line)
    environ = {"PVSMQTT_MQTT__HOST": "h"}
    (line,) = problems('[[line]]\nbaudrate = "fast"\n', environ)
    assert line == 'pvsmqtt.toml:2: key `line[0].baudrate`: found "fast", expected a whole number or "auto"'
    settings = load_text("[[line]]\nbaudrate = 9600\n", {**environ, "PVSMQTT_LINE__0__UNITS": "[1, 2]"})
    assert settings.sources()[0][2] == Line(baudrate=9600, units=[1, 2])


# --- files that cannot be read


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"a = 1\nb = ]\n", ":2: not valid TOML: Invalid value, column 5"),
        (b"a = [1,", ": not valid TOML: Invalid value (at end of document)"),
        (b"a = '\xff'\n", ": is not text in UTF-8"),
    ],
)
def test_a_file_that_is_no_toml(tmp_path: Path, content: bytes, told: str) -> None:
    file = tmp_path / "bad.toml"
    file.write_bytes(content)
    with pytest.raises(SettingsError) as caught:
        load(file, {})
    assert str(caught.value).startswith(f"{file}{told}")


def test_a_byte_order_mark_and_crlf_do_no_harm(tmp_path: Path) -> None:
    file = tmp_path / "windows.toml"
    file.write_bytes(b"\xef\xbb\xbf" + (FOUR_LINES + "interval = 5\n").replace("\n", "\r\n").encode())
    with pytest.raises(SettingsError, match=r"windows\.toml:5: key `pvs\[0\]\.interval`"):
        load(file, {})


def test_a_missing_file(tmp_path: Path, no_default_file: Path) -> None:
    missing = tmp_path / "missing.toml"
    for path, environ, named in [
        (missing, ENOUGH, missing),
        (None, {**ENOUGH, "PVSMQTT_CONFIG": str(missing)}, missing),
        (None, {}, no_default_file),
    ]:
        with pytest.raises(SettingsError) as caught:
            load(path, environ)
        assert str(caught.value).startswith(f"{named}: there is no such file; ")
    assert load(None, ENOUGH).mqtt.host == "broker"


def test_without_a_file_the_error_says_so(no_default_file: Path) -> None:
    with pytest.raises(SettingsError) as caught:
        load(None, {"PVSMQTT_PVS__0__HOST": "a"})
    assert str(caught.value).startswith(f"{no_default_file} (does not exist) and environment: key `mqtt`: missing; ")


def test_a_folder_is_no_file(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="Is a directory"):
        load(tmp_path, {})


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read(tmp_path: Path) -> None:
    file = tmp_path / "closed.toml"
    file.write_text(FOUR_LINES)
    file.chmod(0)
    with pytest.raises(SettingsError, match="may not be read by this user"):
        load(file, {})


# --- secrets

SECRET = "hunter2"
WITH_USER = FOUR_LINES.replace("[[pvs]]", 'username = "solar"\n[[pvs]]')


@pytest.mark.parametrize("ending", ["", "\n", "\r\n"])
def test_password_from_a_file(load_text: Load, tmp_path: Path, ending: str) -> None:
    (tmp_path / "password").write_bytes(f" {SECRET} {ending}".encode())
    settings = load_text(WITH_USER, {"PVSMQTT_MQTT__PASSWORD_FILE": str(tmp_path / "password")})
    assert settings.mqtt.password.get_secret_value() == f" {SECRET} "


def test_password_order(load_text: Load, tmp_path: Path) -> None:
    (tmp_path / "mqtt_password").write_text("credential\n")
    (tmp_path / "password").write_text("file\n\n")
    credentials = {"CREDENTIALS_DIRECTORY": str(tmp_path)}
    with_file = WITH_USER.replace("[[pvs]]", f'password_file = "{tmp_path}/password"\n[[pvs]]')
    with_password = WITH_USER.replace("[[pvs]]", 'password = "plain"\n[[pvs]]')

    def password(text: str, environ: Mapping[str, str]) -> str:
        return str(load_text(text, environ).mqtt.password.get_secret_value())

    assert password(WITH_USER, credentials) == "credential"
    assert password(with_file, credentials) == "file\n"
    assert password(with_password, credentials) == "plain"
    assert password(with_file, {"PVSMQTT_MQTT__PASSWORD": "environment"}) == "environment"
    assert password(with_password, {"PVSMQTT_MQTT__PASSWORD_FILE": f"{tmp_path}/password"}) == "file\n"
    assert load_text(WITH_USER, {"CREDENTIALS_DIRECTORY": f"{tmp_path}/none"}).mqtt.password is None


def test_secrets_of_any_table(load_text: Load, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Cloud(Options):
        token: SecretStr | None = None
        token_file: Path | None = None

    add_kind(monkeypatch, cloud=Cloud)
    (tmp_path / "cloud_token").write_text(SECRET)
    (tmp_path / "other").write_text("other")
    text = f'[mqtt]\nhost = "h"\n[[cloud]]\n[[cloud]]\ntoken_file = "{tmp_path}/other"\n'
    settings = load_text(text, {"CREDENTIALS_DIRECTORY": str(tmp_path)})
    assert [cloud.token.get_secret_value() for cloud in settings.cloud] == [SECRET, "other"]


@pytest.mark.parametrize(
    ("text", "environ", "told"),
    [
        (f'password = "{SECRET}"', {}, "pvsmqtt.toml:1: key `mqtt`: a password needs a username"),
        (
            f'password = "{SECRET}"\npassword_file = "f"\nusername = "u"',
            {},
            "pvsmqtt.toml:4: key `mqtt.password_file`: `password` is",
        ),
        (
            f'password = ["{SECRET}"]',
            {},
            "pvsmqtt.toml:3: key `mqtt.password`: found a list, expected text in quotes",
        ),
        (f'password = {{a = "{SECRET}"}}', {}, "pvsmqtt.toml:3: key `mqtt.password`: found a table, expected text"),
        (f'pasword = "{SECRET}"', {}, "pvsmqtt.toml:3: key `mqtt.pasword`: unknown; did you mean `password`?"),
        ("", {"PVSMQTT_MQTT__PASWORD": SECRET}, "PVSMQTT_MQTT__PASWORD: key `mqtt.pasword`: unknown; did you mean"),
        ("", {"PVSMQTT_MQTT": f'{{"password": "{SECRET}"'}, "PVSMQTT_MQTT: key `mqtt`: found text, expected JSON"),
        ("", {"PVSMQTT_MQTT__PASSWORD__X": SECRET}, "PVSMQTT_MQTT__PASSWORD__X: key `mqtt.password`: found a table"),
    ],
)
def test_a_mistake_with_a_secret_does_not_tell_it(
    problems: Callable[..., list[str]], text: str, environ: dict[str, str], told: str
) -> None:
    (line,) = problems(f'[mqtt]\nhost = "h"\n{text}\n[[pvs]]\nhost = "a"\n', environ)
    assert line.startswith(told)
    assert SECRET not in line


def test_a_number_as_a_password_is_not_told(problems: Callable[..., list[str]]) -> None:
    (line,) = problems(WITH_USER.replace("[[pvs]]", "password = 12345\n[[pvs]]"))
    assert line == "pvsmqtt.toml:4: key `mqtt.password`: found a number, expected text in quotes"


def test_repr_shows_no_secret(load_text: Load) -> None:
    settings = load_text(WITH_USER, {"PVSMQTT_MQTT__PASSWORD": SECRET})
    assert settings.mqtt.password.get_secret_value() == SECRET
    assert SECRET not in f"{settings!r} {settings} {settings.model_dump()}"


def test_password_files_that_cannot_be_used(
    problems: Callable[..., list[str]], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "empty").write_text("\n")
    (tmp_path / "binary").write_bytes(b"\xff")

    def told(name: str) -> str:
        (line,) = problems(WITH_USER.replace("[[pvs]]", f'password_file = "{tmp_path}/{name}"\n[[pvs]]'))
        place = "pvsmqtt.toml:4: key `mqtt.password_file`: "
        assert line.startswith(place + name)
        return line.removeprefix(place + name)

    assert told("missing").startswith(" cannot be read (No such file or directory): ")
    assert told("empty").startswith(" is empty: ")
    assert told("binary") == " is not text in UTF-8"
    read_text = Path.read_text

    def closed(self: Path, *args: Any, **kwargs: Any) -> str:
        if self.name == "closed":
            raise PermissionError(13, "Permission denied")
        return read_text(self, *args, **kwargs)

    monkeypatch.setattr(Path, "read_text", closed)
    assert "LoadCredential=" in told("closed")


# --- quick


def test_loading_imports_no_heavy_library(tmp_path: Path) -> None:
    (tmp_path / "pvsmqtt.toml").write_text(FOUR_LINES)
    program = (
        "import sys, pathlib; from pvsmqtt.settings import load; load(pathlib.Path(sys.argv[1]), {}); "
        "print([name for name in ('aiohttp', 'aiomqtt', 'amqtt', 'paho') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", program, str(tmp_path / "pvsmqtt.toml")], capture_output=True, text=True, check=True
    )
    assert done.stdout == "[]\n"


def test_outside_systemd_the_secret_beside_the_file_serves(tmp_path):
    file = tmp_path / "pvsmqtt.toml"
    file.write_text('[mqtt]\nhost = "broker"\nusername = "solar"\n[[pvs]]\nhost = "172.27.153.1"\n')
    (tmp_path / "mqtt_password").write_text("secret\n")
    password = load(file, {}).mqtt.password
    assert password is not None
    assert password.get_secret_value() == "secret"
    credentials = tmp_path / "credentials"
    credentials.mkdir()
    (credentials / "mqtt_password").write_text("\n")
    assert load(file, {"CREDENTIALS_DIRECTORY": str(credentials)}).mqtt.password is None


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ('[mqtt]\nhost = "b"\nbase_topic = "homeassistant/x"\n[[pvs]]\nhost = "a"\n', "lies under"),
        ('[mqtt]\nhost = "b"\n[[pvs]]\nhost = "a"\n[[pvs]]\nhost = "a"\n', "only once"),
        ('[mqtt]\nhost = "embedded"\nlisten = "0.0.0.0"\n[[pvs]]\nhost = "a"\n', "lets in everybody"),
        ('[mqtt]\nhost = "b"\n[[pvs]]\nhost = "http://me:secret@a"\n', "login in the address"),
        ('[mqtt]\nhost = "b:1883"\n[[pvs]]\nhost = "a"\n', "a port goes into `port`"),
        ('[mqtt]\nhost = "mqtt://b"\n[[pvs]]\nhost = "a"\n', "a port goes into `port`"),
        ('[mqtt]\nhost = "b"\n[[pvs]]\nhost = "a"\nignore = ["x"]\n', "above the first [table]"),
    ],
)
def test_what_cannot_go_together(tmp_path, text, words):
    file = tmp_path / "pvsmqtt.toml"
    file.write_text(text)
    with pytest.raises(SettingsError) as error:
        load(file, {})
    assert words in str(error.value)
    assert "secret" not in str(error.value)
