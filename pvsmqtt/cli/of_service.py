"""The commands around the service and the PVS: a table."""

from __future__ import annotations

from pathlib import Path

from pvsmqtt.cli.arguments import host, moment, number, positive, text_filter, wifi
from pvsmqtt.cli.command import CONFIG, Argument, Command

COMMANDS = (
    Command(
        "run",
        "run the service in the foreground",
        "pvsmqtt run --config pvsmqtt.toml",
        "run:run",
        (CONFIG,),
    ),
    Command(
        "setup",
        "ask a few questions, write the configuration, try it",
        "sudo pvsmqtt setup",
        "setup.command:setup",
        (
            CONFIG,
            Argument("--yes", action="store_true", help="ask nothing: take what is found; replace an existing file"),
            Argument(
                "--answers",
                type=Path,
                metavar="FILE",
                help="ask nothing: take the answers from this TOML file; keys are the options below, and password",
            ),
            Argument("--broker", metavar="HOST[:PORT]", help='the MQTT broker; "embedded": one inside pvsmqtt'),
            Argument("--user", metavar="NAME", help="user name at the broker; - is none"),
            Argument(
                "--password-file",
                type=Path,
                metavar="FILE",
                help="file with the password at the broker; the variable PVSMQTT_MQTT__PASSWORD does as well",
            ),
            Argument("--pvs", action="append", default=[], metavar="HOST", help="a PVS; may be repeated"),
            Argument("--instance", metavar="NAME", help="name of this installation on the broker (default: home)"),
            Argument(
                "--rs485", action="append", default=[], metavar="LINE", help="an RS-485 line to hear; may be repeated"
            ),
            Argument(
                "--gateway",
                action="append",
                default=[],
                metavar="HOST",
                help="a Conext Gateway to read over Modbus TCP, or auto; may be repeated",
            ),
            Argument("--web", metavar="LISTEN", help="where the status page listens, such as :8485, or off"),
        ),
    ),
    Command(
        "check",
        "try configuration, broker and every source",
        "pvsmqtt check --json",
        "check:check",
        (CONFIG, Argument("--json", dest="as_json", action="store_true", help="print the findings as JSON")),
    ),
    Command(
        "discover",
        "find a PVS, or Modbus equipment, on the network and write the configuration for it",
        "pvsmqtt discover --host 192.168.1.20",
        "discover:discover",
        (
            Argument("--seconds", type=positive, metavar="N", help="listen N seconds for announcements (default: 3)"),
            Argument(
                "--host",
                dest="hosts",
                action="append",
                default=[],
                type=host,
                metavar="H",
                help="ask this address in place of the usual ones; may be repeated",
            ),
            Argument(
                "--modbus",
                action="store_true",
                help="look for Modbus TCP equipment instead: the Conext Gateway of a SunVault in the network of its "
                "PVS (172.27.153.50 to .99), or whatever is at --host",
            ),
            Argument("--json", dest="as_json", action="store_true", help="print what was found as JSON"),
            Argument(
                "--wifi",
                type=wifi,
                metavar="SERIAL",
                help="only print name and password of the Wi-Fi network that the PVS with this serial number opens",
            ),
        ),
    ),
    Command(
        "energy",
        "show the energy of today, this month and this year, and where each figure comes from",
        "pvsmqtt energy --json",
        "energy:energy",
        (CONFIG, Argument("--json", dest="as_json", action="store_true", help="print the figures as JSON")),
    ),
    Command(
        "pvs-log",
        "show the log of a PVS where its firmware allows it (port 19531); secrets are hidden",
        "pvsmqtt pvs-log 172.27.153.1 --since 2h --filter 'error|fail'",
        "pvs_log:pvs_log",
        (
            Argument(
                "host",
                nargs="?",
                type=host,
                metavar="HOST",
                help="address of the PVS (default: the first [[pvs]] of the configuration)",
            ),
            Argument(
                "--since",
                type=moment,
                metavar="TIME",
                help="from this time (UTC, by the clock of the PVS) or 2h ago",
            ),
            Argument(
                "--lines",
                type=number(1, 1_000_000),
                metavar="N",
                help="look at the last N entries (default: 100, with --since all)",
            ),
            Argument("--follow", action="store_true", help="go on with new entries until Ctrl-C"),
            Argument(
                "--filter",
                dest="filters",
                action="append",
                default=[],
                type=text_filter,
                metavar="F",
                help="show only lines in which this text or regular expression is found, small and capital letters "
                "alike, or entries with FIELD=VALUE (such as _SYSTEMD_UNIT=ssh.service); may be repeated",
            ),
            Argument("--port", type=number(1, 65535), metavar="N", help="port of the log (default: 19531)"),
            CONFIG,
        ),
    ),
    Command(
        "web-password",
        "make the hash of a password for the status page; asks for it, or reads a line of standard input",
        "pvsmqtt web-password",
        "web_password:web_password",
        (),
    ),
    Command(
        "demo",
        "show everything at work with a simulated PVS and a broker inside the process",
        "pvsmqtt demo --seconds 10",
        "demo:demo",
        (
            Argument("--seconds", type=positive, metavar="N", help="end after N seconds (default: at Ctrl-C)"),
            Argument("--panels", type=number(1, 400), default=12, metavar="N", help="1 to 400 panels (default: 12)"),
        ),
    ),
    Command(
        "purge",
        "remove every retained topic that this instance owns from the broker",
        "pvsmqtt purge --config pvsmqtt.toml",
        "purge:purge",
        (
            CONFIG,
            Argument("--force", action="store_true", help="also when the broker says that the service is online"),
        ),
    ),
)
