"""script/install into a folder: fresh, again, upgrades good and bad, back, and away."""

from __future__ import annotations

import os
import pty
import shutil
import signal
import subprocess
from pathlib import Path

import pytest
from helpers_install import REPOSITORY, SCRIPT, Machine, program, wheel

EXAMPLE = REPOSITORY / "config/pvsmqtt.example.toml"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Machine:
    """A machine on which version 1 was installed. Not to be changed: `machine` is."""
    folder = tmp_path_factory.mktemp("installed")
    machine = Machine(folder / "root")
    (machine.root / "etc/udev").mkdir(parents=True)
    (machine.root / "opt").mkdir()
    machine.ok("--wheel", wheel(folder, "1"))
    return machine


@pytest.fixture
def machine(installed: Machine, tmp_path: Path) -> Machine:
    return installed.copy(tmp_path / "root")


def systemctl(folder: Path, code: str) -> str:
    """A systemctl that notes what it was told, and answers with ``code``."""
    return str(program(folder, "systemctl", f'echo "$@" >> {folder}/told\ncase "$*" in {code} esac; exit 0'))


def told(folder: Path) -> list[str]:
    return (folder / "told").read_text().splitlines()


def test_fresh(installed: Machine) -> None:
    assert installed.version == "1"
    assert (installed.home / "venv").is_symlink()
    assert installed.config.read_bytes() == EXAMPLE.read_bytes()
    assert installed.unit.read_bytes() == (REPOSITORY / "systemd/pvsmqtt.service").read_bytes()
    rules = installed.root / "etc/udev/rules.d/70-pvsmqtt-serial.rules"
    assert rules.read_bytes() == (REPOSITORY / "systemd/70-pvsmqtt-serial.rules").read_bytes()
    # Nothing else of the machine was touched.
    ours = (
        "opt/pvsmqtt",
        "etc/pvsmqtt",
        "etc/systemd/system/pvsmqtt.service",
        str(rules.relative_to(installed.root)),
    )
    files = [path for path in installed.root.rglob("*") if not path.is_dir()]
    assert all(str(path.relative_to(installed.root)).startswith(ours) for path in files)


def test_a_release_knows_the_paths_it_will_have_and_not_the_folder_it_was_made_in(installed: Machine) -> None:
    release = (installed.home / "venv").resolve()
    assert (release / "bin/pvsmqtt").read_text().startswith(f"#!/opt/pvsmqtt/releases/{release.name}/bin/python")
    assert not (installed.home / "venv").readlink().is_absolute()


def test_the_second_time_changes_nothing(machine: Machine, tmp_path: Path) -> None:
    before = machine.picture()
    said = machine.ok("--wheel", wheel(tmp_path, "1"))
    assert "installed already" in said
    assert machine.picture() == before


def test_an_upgrade_keeps_configuration_and_the_release_before(machine: Machine, tmp_path: Path) -> None:
    machine.config.write_text("mine = 1\n")
    machine.ok("--upgrade", "--wheel", wheel(tmp_path, "2"))
    assert (machine.version, machine.version_of("previous")) == ("2", "1")
    machine.ok("--wheel", wheel(tmp_path, "3"))
    assert (machine.version, machine.version_of("previous")) == ("3", "2")
    assert len(machine.releases()) == 2, "older ones are gone"
    assert machine.config.read_text() == "mine = 1\n"
    machine.ok("--rollback")
    assert (machine.version, machine.version_of("previous")) == ("2", "3")
    machine.ok("--rollback")
    assert machine.version == "3"


def test_upgrade_makes_a_new_release_of_the_same_program_too(machine: Machine, tmp_path: Path) -> None:
    machine.ok("--upgrade", "--wheel", wheel(tmp_path, "1"))
    assert len(machine.releases()) == 2


def test_a_new_unit_is_installed_and_systemd_told(machine: Machine, tmp_path: Path) -> None:
    machine.unit.write_text("of an older version")
    machine.ok("--wheel", wheel(tmp_path, "1"), SYSTEMCTL=systemctl(tmp_path / "bin", "is-active*) exit 3;;"))
    assert machine.unit.read_bytes() == (REPOSITORY / "systemd/pvsmqtt.service").read_bytes()
    assert "daemon-reload" in told(tmp_path / "bin")


BAD = {
    "does not start": ({"service": "import nothing_of_that_name"}, "No module named 'nothing_of_that_name'"),
    "does not understand the configuration": ({"refused": "[mqtt]"}, "key [mqtt]: unknown"),
    "would have to be compiled": ({"needs": "a-library-that-nobody-has"}, "script/install --compile"),
}


@pytest.mark.parametrize("why", BAD)
def test_a_bad_release_never_takes_the_place_of_the_old_one(machine: Machine, tmp_path: Path, why: str) -> None:
    how, advice = BAD[why]
    before = machine.picture()
    done = machine.install("--wheel", wheel(tmp_path, "2", **how))
    assert done.returncode == 1
    assert why in done.stderr
    assert advice in done.stderr
    assert machine.version == "1"
    after = machine.picture()
    assert {name for name in before if before[name] != after.get(name)} <= {"opt/pvsmqtt/releases"}  # its time
    assert before.keys() == after.keys()


def test_a_configuration_that_was_wrong_before_holds_no_upgrade_up(machine: Machine, tmp_path: Path) -> None:
    """Who installs and upgrades before writing it."""
    machine.ok("--wheel", wheel(tmp_path, "2", refused="never said"))
    machine.config.write_text("not finished")
    machine.ok("--wheel", wheel(tmp_path / "a", "3"))
    machine.config.write_text("oops")
    one = wheel(tmp_path / "b", "4", refused="fine so far")
    machine.ok("--wheel", one)
    machine.config.write_text("fine so far")
    said = machine.ok("--wheel", wheel(tmp_path / "c", "5", refused="fine so far"))
    assert "the configuration has errors, before as after" in said
    assert machine.version == "5"


def test_the_service_is_restarted(machine: Machine, tmp_path: Path) -> None:
    machine.ok("--wheel", wheel(tmp_path, "2"), SYSTEMCTL=systemctl(tmp_path / "bin", ""))
    assert restarted(tmp_path / "bin") == ["pvsmqtt.service"]


def test_a_service_that_does_not_run_is_not_started(machine: Machine, tmp_path: Path) -> None:
    machine.ok("--wheel", wheel(tmp_path, "2"), SYSTEMCTL=systemctl(tmp_path / "bin", "is-active*) exit 3;;"))
    assert not [line for line in told(tmp_path / "bin") if "start" in line]


def test_a_release_that_does_not_start_gives_way_to_the_one_before(machine: Machine, tmp_path: Path) -> None:
    once = f"restart*) [ -e {tmp_path}/again ] && exit 0; touch {tmp_path}/again; exit 1;;"
    done = machine.install("--wheel", wheel(tmp_path, "2"), SYSTEMCTL=systemctl(tmp_path / "bin", once))
    assert done.returncode == 1
    assert "the one before is in use again" in done.stderr
    assert machine.version == "1"
    assert told(tmp_path / "bin").count("restart pvsmqtt.service") == 2


KILLED_AT = {
    "making the release": ("python", 'case "$*" in *"-m venv"*) kill -9 $PPID; exit;; esac; exec "$QUICK" "$@"'),
    "remembering the old one": ("mv", 'case "$*" in *previous.new*) kill -9 $PPID; exit;; esac; exec /bin/mv "$@"'),
    "switching": ("mv", 'case "$*" in *venv.new*) kill -9 $PPID; exit;; esac; exec /bin/mv "$@"'),
    "just after switching": ("mv", '/bin/mv "$@"; case "$*" in *venv.new*) kill -9 $PPID;; esac'),
    "clearing up": ("rm", 'case "$*" in *releases*) kill -9 $PPID; exit;; esac; exec /bin/rm "$@"'),
}


@pytest.mark.parametrize("when", KILLED_AT)
def test_killed_at_any_time_it_leaves_a_service_that_works(machine: Machine, tmp_path: Path, when: str) -> None:
    machine.ok("--wheel", wheel(tmp_path, "2"))
    name, code = KILLED_AT[when]
    bad = program(tmp_path / "bin", name, code)
    env = {"PATH": f"{bad.parent}:{os.environ['PATH']}", "QUICK": machine.python()}
    if name == "python":
        env["PYTHON"] = str(bad)
    done = machine.install("--wheel", wheel(tmp_path, "3"), **env)
    assert done.returncode == -signal.SIGKILL
    assert machine.version in ("2", "3")

    # The next run finishes it, restarts what runs the old one, and clears up.
    calls = systemctl(tmp_path / "systemctl", "")
    machine.ok("--wheel", wheel(tmp_path, "3"), SYSTEMCTL=calls)
    assert machine.version == "3"
    assert "restart pvsmqtt.service" in told(tmp_path / "systemctl") or when == "clearing up"
    machine.ok("--upgrade", "--wheel", wheel(tmp_path, "4"))
    assert len(machine.releases()) == 2
    assert not list(machine.home.rglob(".unfinished"))


@pytest.mark.parametrize("killed", [False, True])
def test_a_folder_of_the_time_before_releases_becomes_one(machine: Machine, tmp_path: Path, killed: bool) -> None:
    release = (machine.home / "venv").resolve()
    (machine.home / "venv").unlink()
    release.rename(machine.home / "venv")
    if killed:
        bad = program(
            tmp_path / "bin", "mv", 'case "$*" in *venv.new*) kill -9 $PPID; exit;; esac; exec /bin/mv "$@"'
        )
        machine.install("--wheel", wheel(tmp_path, "2"), PATH=f"{bad.parent}:{os.environ['PATH']}")
        assert machine.version == "2"
        machine.ok("--upgrade", "--wheel", wheel(tmp_path, "1"))
    machine.ok("--wheel", wheel(tmp_path, "2"))
    assert (machine.home / "venv").is_symlink()
    assert machine.version == "2"
    assert len(machine.releases()) == 1 + killed
    assert {path.name for path in machine.home.iterdir()} <= {"releases", "venv", "previous", ".lock"}


def test_two_at_a_time_are_refused(machine: Machine, tmp_path: Path) -> None:
    with subprocess.Popen(
        ["flock", machine.home / ".lock", "cat"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as first:
        assert first.stdin is not None
        assert first.stdout is not None
        first.stdin.write(b"x")
        first.stdin.flush()
        assert first.stdout.read(1) == b"x"  # it has the lock
        done = machine.install("--wheel", wheel(tmp_path, "2"))
        first.stdin.close()
    assert done.returncode == 1
    assert "another script/install is at work" in done.stderr


REFUSED = {
    "Python is missing": {"PYTHON": "/nowhere/python3"},
    "250 MB": {"PATH": "{bin}:{path}"},
    "is too old": {"PYTHON": "{bin}/old"},
}


@pytest.mark.parametrize("why", REFUSED)
def test_what_cannot_work_is_said_before_anything_is_done(machine: Machine, tmp_path: Path, why: str) -> None:
    program(tmp_path / "bin", "old", 'case "$*" in --version) echo Python 3.9.2;; *) exit 1;; esac')
    program(tmp_path / "bin", "df", "echo Filesystem; echo /dev/root 8000 7951 49 99% /")
    env = {name: text.format(bin=tmp_path / "bin", path=os.environ["PATH"]) for name, text in REFUSED[why].items()}
    before = machine.picture()
    done = machine.install("--wheel", wheel(tmp_path, "2"), **env)
    assert done.returncode == 1
    assert why in done.stderr
    assert "->" in done.stderr
    assert machine.picture() == before


def test_with_the_real_pip(tmp_path: Path) -> None:
    """A wheel, one that needs what nobody has, and the clone, which takes a network to build."""
    machine = Machine(tmp_path / "root", real_pip=True)
    machine.root.mkdir()
    machine.ok("--wheel", wheel(tmp_path, "1"))
    assert machine.version == "1"
    release = (machine.home / "venv").resolve()
    assert (release / "bin/pvsmqtt").read_text().startswith(f"#!/opt/pvsmqtt/releases/{release.name}/bin/python")
    assert not [name for name in machine.picture() if name.endswith((".log", "/tmp", ".cache"))]

    needs, what = BAD["would have to be compiled"][0], BAD["would have to be compiled"][1]
    done = machine.install("--wheel", wheel(tmp_path, "2", **needs))
    assert done.returncode == 1
    assert what in done.stderr

    env = {"PIP_NO_INDEX": "", "PIP_CONFIG_FILE": "/dev/null", "PIP_FIND_LINKS": "", "PIP_RETRIES": "0"}
    done = machine.install(PIP_INDEX_URL="http://127.0.0.1:9/simple", **env)
    assert done.returncode == 1
    assert "the package index is not reached; nothing was changed" in done.stderr
    assert machine.version == "1"


@pytest.mark.skipif(os.geteuid() != 0, reason="needs root to be somebody else")
def test_somebody_else_than_root_is_told(tmp_path: Path) -> None:
    copy = tmp_path / "clone"
    shutil.copytree(REPOSITORY / "script", copy / "script", ignore=shutil.ignore_patterns("__pycache__"))
    for path in (tmp_path, *tmp_path.parents):
        if not path.stat().st_mode & 0o001:
            path.chmod(path.stat().st_mode | 0o001)
    done = subprocess.run(
        [copy / "script/install"], user=65534, group=65534, extra_groups=[], capture_output=True, text=True
    )
    assert done.returncode == 1
    assert "sudo" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [["--purge"], ["--keep-published"], ["--upgrade", "--uninstall"], ["--root"], ["--no-such-thing"], ["file"]],
)
def test_wrong_usage(arguments: list[str]) -> None:
    done = subprocess.run([SCRIPT, *arguments], capture_output=True, text=True)
    assert done.returncode == 2
    assert "script/install --help" in done.stderr


def test_help() -> None:
    done = subprocess.run([SCRIPT, "--help"], capture_output=True, text=True, check=True)
    for option in ("--upgrade", "--rollback", "--uninstall", "--network", "--purge", "--root"):
        assert option in done.stdout


# --- away ---


def strangers(machine: Machine) -> dict[str, tuple[object, ...]]:
    """Files of others in the same folders, which must stay."""
    for name in ("opt/other/file", "etc/systemd/system/other.service", "etc/udev/rules.d/70-other.rules"):
        (machine.root / name).parent.mkdir(parents=True, exist_ok=True)
        (machine.root / name).write_text("of somebody else")
    return {name: seen for name, seen in machine.picture().items() if "other" in name}


def test_uninstall_keeps_configuration_state_and_what_others_have(machine: Machine) -> None:
    others = strangers(machine)
    state = machine.root / "var/lib/private/pvsmqtt/energy.json"
    state.parent.mkdir(parents=True)
    state.write_text("{}")
    machine.ok("--uninstall", "--keep-published")
    assert not machine.home.exists()
    assert not machine.unit.exists()
    assert not (machine.root / "etc/udev/rules.d/70-pvsmqtt-serial.rules").exists()
    assert machine.config.exists()
    assert state.exists()
    left = machine.picture()
    assert {name: left.get(name) for name in others} == others
    assert "nothing was changed" in machine.ok("--uninstall", "--yes")


def test_uninstall_stops_first_and_then_takes_off_what_was_published(machine: Machine, tmp_path: Path) -> None:
    real = (machine.home / "venv").resolve() / "bin"
    program(real, "pvsmqtt", f'echo "$@" >> {tmp_path}/bin/told; exec {real}/python -I -m pvsmqtt "$@"')
    machine.ok("--uninstall", "--yes", SYSTEMCTL=systemctl(tmp_path / "bin", ""))
    order = [line.split()[0] for line in told(tmp_path / "bin")]
    assert order.index("stop") < order.index("purge") < order.index("disable")
    assert machine.config.with_name("purged").exists()
    assert not machine.home.exists()


def test_from_a_folder_nothing_can_be_taken_off_a_broker(machine: Machine) -> None:
    """Its programs are for the place where the folder will be, /opt/pvsmqtt."""
    said = machine.ok("--uninstall", "--yes")
    assert "What was published stays on the broker" in said
    assert not machine.home.exists()
    assert not machine.config.with_name("purged").exists()


def test_uninstall_removes_nothing_when_the_broker_does_not_answer(machine: Machine, tmp_path: Path) -> None:
    program((machine.home / "venv").resolve() / "bin", "pvsmqtt", "exit 1")
    done = machine.install("--uninstall", "--yes", SYSTEMCTL=systemctl(tmp_path / "bin", ""))
    assert done.returncode == 1
    assert "--keep-published" in done.stderr
    assert machine.version == "1"
    assert machine.unit.exists()


def test_uninstall_asks_nobody_when_nobody_is_there(machine: Machine, tmp_path: Path) -> None:
    before = machine.picture()
    done = machine.install("--uninstall", SYSTEMCTL=systemctl(tmp_path / "bin", ""))
    assert done.returncode == 1
    assert "--yes" in done.stderr
    assert machine.picture() == before


@pytest.mark.parametrize(("answer", "taken_off"), [("y", True), ("n", False), ("", False)])
def test_on_a_terminal_uninstall_asks(machine: Machine, tmp_path: Path, answer: str, taken_off: bool) -> None:
    program((machine.home / "venv").resolve() / "bin", "pvsmqtt", f"touch {machine.config.parent}/purged")
    ours, theirs = pty.openpty()
    os.write(ours, f"{answer}\n".encode())
    done = subprocess.run(
        [SCRIPT, "--root", machine.root, "--uninstall"],
        env={**os.environ, "SYSTEMCTL": systemctl(tmp_path / "bin", "")},
        stdin=theirs,
        capture_output=True,
        text=True,
    )
    os.close(ours)
    os.close(theirs)
    assert done.returncode == 0, done.stderr
    assert machine.config.with_name("purged").exists() is taken_off
    assert not machine.home.exists()


def test_an_embedded_broker_keeps_nothing_to_be_taken_off(machine: Machine) -> None:
    machine.config.write_text('[mqtt]\nhost = "embedded"\n')
    machine.ok("--uninstall")
    assert not machine.home.exists()


def test_purge_removes_configuration_and_state(machine: Machine) -> None:
    (machine.root / "var/lib/private/pvsmqtt").mkdir(parents=True)
    (machine.root / "var/lib/pvsmqtt").symlink_to("private/pvsmqtt")
    others = strangers(machine)
    machine.ok("--uninstall", "--keep-published", "--purge", "--yes")
    left = machine.picture()
    assert not [name for name in left if "pvsmqtt" in name]
    assert {name: left.get(name) for name in others} == others


@pytest.mark.parametrize("first", [["--keep-published"], ["--keep-published", "--purge", "--yes"]])
def test_purge_removes_what_an_earlier_uninstall_left(machine: Machine, first: list[str]) -> None:
    state = machine.root / "var/lib/private/pvsmqtt"
    state.mkdir(parents=True)
    machine.ok("--uninstall", *first)
    asked = machine.install("--uninstall", "--purge")
    assert state.exists() is (asked.returncode == 1), "nobody is there to say yes"
    said = machine.ok("--uninstall", "--purge", "--yes")
    assert ("is not installed; nothing was changed" in said) is ("--purge" in first)
    assert not state.exists()
    assert not machine.config.parent.exists()


# --- several processes: docs/many-houses.md ---


RUNNING = (
    "is-active*) exit 3;; list-units*) printf 'pvsmqtt@%s.service loaded active running of a house\\n' north south;;"
)
"""Only the instances run."""


def restarted(folder: Path) -> list[str]:
    return [line.split()[1] for line in told(folder) if line.startswith("restart ")]


def made_of(unit: Path) -> str:
    """The template, by the command in the documentation."""
    text = (REPOSITORY / "docs/many-houses.md").read_text()
    command = text[text.index("sed 's|") : text.index(" | sudo tee")]
    command = command.replace("/etc/systemd/system/pvsmqtt.service", str(unit))
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout


@pytest.fixture
def several(machine: Machine) -> Machine:
    """Two processes, of which each is enabled."""
    machine.template.write_text(made_of(machine.unit))
    for name in ("north", "south"):
        machine.config.with_name(f"{name}.toml").write_text(f'instance = "{name}"\n')
        link = machine.unit.parent / f"multi-user.target.wants/pvsmqtt@{name}.service"
        link.parent.mkdir(exist_ok=True)
        link.symlink_to("/etc/systemd/system/pvsmqtt@.service")
    return machine


def test_instances_that_run_are_restarted_in_every_release(several: Machine, tmp_path: Path) -> None:
    calls = systemctl(tmp_path / "bin", RUNNING)
    instances = ["pvsmqtt@north.service", "pvsmqtt@south.service"]
    several.ok("--wheel", wheel(tmp_path, "2"), SYSTEMCTL=calls)
    assert restarted(tmp_path / "bin") == instances
    several.ok("--rollback", SYSTEMCTL=calls)
    assert restarted(tmp_path / "bin") == instances * 2
    assert any("--state=active" in line for line in told(tmp_path / "bin")), "those that are stopped stay stopped"
    several.ok("--wheel", wheel(tmp_path, "3"), SYSTEMCTL=systemctl(tmp_path / "all", RUNNING.replace("exit 3", "")))
    assert restarted(tmp_path / "all") == ["pvsmqtt.service", *instances]


def test_an_instance_that_does_not_start_takes_all_back_to_the_release_before(
    several: Machine, tmp_path: Path
) -> None:
    once = f"'restart pvsmqtt@south'*) [ -e {tmp_path}/again ] && exit 0; touch {tmp_path}/again; exit 1;;"
    done = several.install("--wheel", wheel(tmp_path, "2"), SYSTEMCTL=systemctl(tmp_path / "bin", RUNNING + once))
    assert done.returncode == 1
    assert "pvsmqtt@south does not start with the new release, so the one before is in use again" in done.stderr
    assert "journalctl -u pvsmqtt@south" in done.stderr
    assert several.version == "1"
    assert restarted(tmp_path / "bin") == ["pvsmqtt@north.service", "pvsmqtt@south.service"] * 2


def test_a_release_must_understand_the_configuration_of_every_instance(several: Machine, tmp_path: Path) -> None:
    one = wheel(tmp_path, "2", refused='"south"')
    done = several.install("--wheel", one, SYSTEMCTL=systemctl(tmp_path / "bin", RUNNING))
    assert done.returncode == 1
    assert "south.toml:1" in done.stderr
    assert several.version == "1"
    assert not restarted(tmp_path / "bin")


def test_a_template_that_was_made_of_the_unit_follows_it(several: Machine, tmp_path: Path) -> None:
    several.unit.write_text(several.unit.read_text().replace("TasksMax=32", "TasksMax=16"))
    several.template.write_text(made_of(several.unit))
    said = several.ok("--wheel", wheel(tmp_path, "1"), SYSTEMCTL=systemctl(tmp_path / "bin", RUNNING))
    assert "writing /etc/systemd/system/pvsmqtt@.service" in said
    assert several.template.read_text() == made_of(several.unit)
    assert "TasksMax=32" in several.template.read_text()
    assert told(tmp_path / "bin").count("daemon-reload") == 1
    before = several.picture()
    several.ok("--wheel", wheel(tmp_path, "1"))
    assert several.picture() == before


def test_a_template_that_somebody_changed_is_theirs(several: Machine, tmp_path: Path) -> None:
    theirs = several.template.read_text() + "# mine\n"
    several.template.write_text(theirs)
    assert "make it anew" not in several.ok("--wheel", wheel(tmp_path, "1")), "the unit is no new one"
    several.unit.write_text("of an older version")
    said = several.ok("--wheel", wheel(tmp_path, "1"))
    assert "make it anew, and your changes again: docs/many-houses.md" in said
    assert several.template.read_text() == theirs


@pytest.mark.parametrize("systemd_runs", [True, False])
def test_uninstall_takes_the_instances_along(several: Machine, tmp_path: Path, systemd_runs: bool) -> None:
    real = (several.home / "venv").resolve() / "bin"
    purge = f'echo "$1 $3 in $STATE_DIRECTORY" >> {tmp_path}/bin/told'
    program(real, "pvsmqtt", purge)
    others = strangers(several)
    env = {"SYSTEMCTL": systemctl(tmp_path / "bin", RUNNING)} if systemd_runs else {}
    said = several.ok("--uninstall", "--yes", **env)
    assert "pvsmqtt@.service, which is of no use without /opt/pvsmqtt" in said
    assert not several.template.exists()
    assert {name: several.picture().get(name) for name in others} == others
    assert several.config.with_name("north.toml").exists()
    if not systemd_runs:
        assert not list(several.unit.parent.glob("*.wants/*"))
        return
    lines = told(tmp_path / "bin")
    south = lines.index("stop pvsmqtt@south.service")
    assert lines.index("stop pvsmqtt@north.service") < south
    etc, state = several.config.parent, several.root / "var/lib"
    published = {"": "pvsmqtt.toml", "-north": "north.toml", "-south": "south.toml"}
    taken = [lines.index(f"purge {etc}/{file} in {state}/pvsmqtt{name}") for name, file in published.items()]
    assert south < min(taken)
    assert max(taken) < lines.index("disable pvsmqtt@.service")
    assert lines.count("stop pvsmqtt.service") == 0, "it does not run"


def test_purge_removes_the_state_of_instances_and_not_what_the_network_needs(several: Machine) -> None:
    lib = several.root / "var/lib"
    for name in ("north", "gone"):
        (lib / f"private/pvsmqtt-{name}").mkdir(parents=True)
        (lib / f"pvsmqtt-{name}").symlink_to(f"private/pvsmqtt-{name}")
    several.config.with_name("network.toml").write_text('instance = "network"\n')
    record = lib / "pvsmqtt-network/record.json"
    record.parent.mkdir()
    record.write_text("{}")
    several.ok("--uninstall", "--purge", "--yes")
    assert not several.config.parent.exists()
    assert not list(lib.rglob("*north*"))
    assert record.exists()
    assert len(list(lib.rglob("pvsmqtt-gone"))) == 2, "of what nothing here tells"
