"""A folder to install into, and wheels that stand in for pvsmqtt: small, without libraries, good or bad as wanted.

A real virtual environment with a real pip takes seconds; most tests have one in which a few lines stand in for pip.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from dataclasses import dataclass, field
from pathlib import Path

REPOSITORY = Path(__file__).parents[1]
SCRIPT = REPOSITORY / "script/install"

MAIN = """\
import sys
from pathlib import Path
from pvsmqtt import __version__

def main():
    if sys.argv[1:] == ["--version"]:
        print(f"pvsmqtt {__version__}")
    elif sys.argv[1] == "purge":
        if not Path(sys.argv[3]).exists():
            sys.exit("no broker answers")
        Path(sys.argv[3]).with_name("purged").touch()
        print("3 retained topics removed")
    else:
        sys.exit(f"{sys.argv[1]}: no such command")

if __name__ == "__main__":
    main()
"""
SETTINGS = """\
class SettingsError(Exception):
    pass

def load(path):
    if REFUSED in path.read_text():
        raise SettingsError(f"{path}:1: key {REFUSED}: unknown")
"""

PIP = """\
import re, sys, sysconfig, zipfile
from pathlib import Path
file = sys.argv[-1].partition("[")[0]
if not file.endswith(".whl"):
    sys.exit("ERROR: No matching distribution found for hatchling")
with zipfile.ZipFile(file) as archive:
    metadata = next(archive.read(name).decode() for name in archive.namelist() if name.endswith("METADATA"))
    if needed := re.search("^Requires-Dist: (.*)$", metadata, flags=re.M):
        sys.exit(f"ERROR: No matching distribution found for {needed[1]}")
    archive.extractall(sysconfig.get_path("purelib"))
program = Path(sys.executable).with_name("pvsmqtt")
program.write_text(f"#!{sys.executable}\\nfrom pvsmqtt.__main__ import main\\nmain()\\n")
program.chmod(0o755)
"""


def wheel(folder: Path, version: str, service: str = "", refused: str = "no such thing", needs: str = "") -> Path:
    """``service`` is the code of its service, ``refused`` what its configuration must not say."""
    info = f"pvsmqtt-{version}.dist-info"
    files = {
        "pvsmqtt/__init__.py": f'__version__ = "{version}"\n',
        "pvsmqtt/__main__.py": MAIN,
        "pvsmqtt/service.py": service,
        "pvsmqtt/settings.py": f"REFUSED = {refused!r}\n{SETTINGS}",
        f"{info}/METADATA": f"Metadata-Version: 2.1\nName: pvsmqtt\nVersion: {version}\n"
        + (f"Requires-Dist: {needs}\n" if needs else ""),
        f"{info}/WHEEL": "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
        f"{info}/entry_points.txt": "[console_scripts]\npvsmqtt = pvsmqtt.__main__:main\n",
    }
    files[f"{info}/RECORD"] = "".join(f"{name},,\n" for name in [*files, f"{info}/RECORD"])
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"pvsmqtt-{version}-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        for name, text in files.items():
            archive.writestr(zipfile.ZipInfo(name), text)  # always the same bytes
    return path


@dataclass
class Machine:
    """A folder that stands for a machine."""

    root: Path
    env: dict[str, str] = field(default_factory=dict)
    real_pip: bool = False

    def python(self) -> str:
        """The Python that it has."""
        if self.real_pip:
            return sys.executable
        pip = self.root.with_name("pip")
        pip.mkdir(exist_ok=True)
        (pip / "__main__.py").write_text(PIP)
        venv = f'"$REAL" -m venv --without-pip "$3" && cp -r {pip} "$3"/lib/python3*/site-packages'
        code = f'if [ "$2" = venv ]; then {venv}; else exec "$REAL" "$@"; fi'
        return str(program(self.root.parent, "quick-python", code))

    def install(self, *arguments: str | Path, **env: str) -> subprocess.CompletedProcess[str]:
        """``script/install`` on it, with nobody at the keyboard and no network."""
        return subprocess.run(
            [SCRIPT, "--root", self.root, *arguments],
            env={
                **os.environ,
                "PYTHON": self.python(),
                "REAL": sys.executable,
                "PIP_NO_INDEX": "1",
                **self.env,
                **env,
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=120,
        )

    def ok(self, *arguments: str | Path, **env: str) -> str:
        """What it says; it must work."""
        done = self.install(*arguments, **env)
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    @property
    def home(self) -> Path:
        return self.root / "opt/pvsmqtt"

    @property
    def config(self) -> Path:
        return self.root / "etc/pvsmqtt/pvsmqtt.toml"

    @property
    def unit(self) -> Path:
        return self.root / "etc/systemd/system/pvsmqtt.service"

    @property
    def template(self) -> Path:
        """Of several processes, where somebody made it."""
        return self.unit.with_name("pvsmqtt@.service")

    @property
    def version(self) -> str:
        """Of the release in use, which must work."""
        return self.version_of("venv")

    def version_of(self, link: str) -> str:
        done = subprocess.run(
            [self.home / link / "bin/python", "-IB", "-m", "pvsmqtt", "--version"], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.split()[1]

    def releases(self) -> list[str]:
        return sorted(path.name for path in (self.home / "releases").iterdir())

    def picture(self) -> dict[str, tuple[object, ...]]:
        """Every file with its time, its size and its number: two pictures are equal if nothing was written."""
        taken: dict[str, tuple[object, ...]] = {}
        for path in self.root.rglob("*"):
            if "__pycache__" not in path.parts and "site-packages" not in path.parts:
                status = path.lstat()
                target = path.readlink() if path.is_symlink() else None
                size = None if path.is_dir() else status.st_size
                taken[str(path.relative_to(self.root))] = (size, status.st_mtime_ns, status.st_ino, target)
        return taken

    def copy(self, root: Path) -> Machine:
        """Another one that is the same: releases made for a folder know nothing of that folder."""
        shutil.copytree(self.root, root, symlinks=True)
        return Machine(root, dict(self.env))


def program(folder: Path, name: str, code: str) -> Path:
    """A shell script that stands in for a program."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / name
    path.write_text(f"#!/bin/sh\n{code}\n")
    path.chmod(0o755)
    return path
