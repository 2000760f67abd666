"""The commands for an RS-485 line: a table."""

from __future__ import annotations

from pathlib import Path

from pvsmqtt.cli.arguments import baud_rate, duration, line, line_or_capture, number, positive
from pvsmqtt.cli.command import CONFIG, Argument, Command

PORT = Argument(
    "--port",
    dest="ports",
    action="append",
    default=[],
    type=number(1, 65535),
    metavar="N",
    help="TCP port of Modbus servers in a capture of a network; may be repeated (default: 502 and 503)",
)

COMMANDS = (
    Command(
        "sniff",
        "show live what is heard on an RS-485 line, or in a capture of Modbus TCP",
        "pvsmqtt sniff /dev/serial/by-id/usb-… --unit 221",
        "sniff.command:sniff",
        (
            Argument(
                "line",
                nargs="?",
                type=line_or_capture,
                metavar="LINE",
                help="as for record; or a capture of a network: a pcap file, a FIFO, or - for standard input "
                "(default: the first [[rs485]] of the configuration)",
            ),
            Argument(
                "--baudrate",
                type=baud_rate,
                metavar="N",
                help="bits per second, or auto: found by listening (default: as configured, else auto)",
            ),
            Argument(
                "--parity",
                choices=("auto", "N", "E", "O"),
                help="none, even, odd (default: as configured, else found by listening)",
            ),
            Argument(
                "--map",
                dest="maps",
                action="append",
                default=[],
                type=Path,
                metavar="FILE",
                help="a file that says what registers mean, beside those that are configured; may be repeated",
            ),
            Argument(
                "--unit",
                dest="units",
                action="append",
                default=[],
                type=number(0, 255),
                metavar="N",
                help="show only this unit; may be repeated",
            ),
            PORT,
            Argument("--seconds", type=positive, metavar="N", help="end after N seconds (default: at Ctrl-C)"),
            Argument(
                "--json", dest="as_json", action="store_true", help="print each frame as JSON, like replay --frames"
            ),
            Argument(
                "--plain", dest="as_plain", action="store_true", help="print a line for each frame, as in a pipe"
            ),
            CONFIG,
        ),
    ),
    Command(
        "record",
        "record what is heard on an RS-485 line, with serial numbers blanked",
        "pvsmqtt record /dev/serial/by-id/usb-… -o bus.jsonl --seconds 600",
        "record.command:record",
        (
            Argument(
                "line",
                type=line,
                metavar="LINE",
                help="serial:///dev/…, tcp://host:port, tcp-listen://:port, udp-listen://:port, rfc2217://host:port, "
                "file://recording[?speed=N]",
            ),
            Argument(
                "--output", "-o", type=Path, required=True, metavar="FILE", help="where to; - is standard output"
            ),
            Argument(
                "--pcap", dest="as_pcap", action="store_true", help="write packets for Wireshark, not raw bytes"
            ),
            Argument(
                "--no-anonymise",
                dest="anonymise",
                action="store_false",
                help="leave serial numbers in; the recording then must not be shown to anybody",
            ),
            Argument(
                "--baudrate",
                type=number(50, 4_000_000),
                metavar="N",
                help="bits per second (default: found by listening)",
            ),
            Argument(
                "--parity", choices=("N", "E", "O"), default="N", help="with --baudrate: none, even, odd (default: N)"
            ),
            Argument(
                "--stopbits", type=number(1, 2), default=1, metavar="N", help="with --baudrate: 1 or 2 (default: 1)"
            ),
            Argument("--seconds", type=positive, metavar="N", help="end after N seconds (default: at Ctrl-C)"),
            Argument(
                "--size",
                type=number(1, 1_000_000),
                metavar="MB",
                help="begin a new file after so many megabytes; the full one becomes FILE.1 and so on",
            ),
            Argument(
                "--keep",
                type=number(0, 10_000),
                default=8,
                metavar="N",
                help="with --size: keep N full files, remove older ones (default: 8)",
            ),
        ),
    ),
    Command(
        "replay",
        "show what a recording of an RS-485 line, or a capture of Modbus TCP, holds",
        "pvsmqtt replay bus.jsonl --frames --json",
        "replay.command:replay",
        (
            Argument(
                "file",
                type=Path,
                metavar="FILE",
                help="a recording of pvsmqtt, a pcap file (of a line: link type 147 or 250; of a network) or bare "
                "bytes; - is standard input",
            ),
            Argument("--frames", action="store_true", help="print every frame (default: a summary)"),
            Argument("--registers", action="store_true", help="print what is known of each register at the end"),
            Argument(
                "--json", dest="as_json", action="store_true", help="print JSON; each frame is a line of its own"
            ),
            Argument(
                "--map",
                dest="maps",
                action="append",
                default=[],
                type=Path,
                metavar="FILE",
                help="a file that says what registers mean, beside those that come with pvsmqtt; may be repeated",
            ),
            PORT,
        ),
    ),
    Command(
        "learn",
        "find out which registers of the RS-485 line are what the PVS tells of its devices, and write a register map",
        "pvsmqtt learn --config pvsmqtt.toml --for 4h -o learned.toml",
        "learn.command:learn",
        (
            CONFIG,
            Argument(
                "--line", type=line, metavar="LINE", help="as for record (default: the first [[rs485]] configured)"
            ),
            Argument(
                "--for",
                dest="seconds",
                type=duration,
                metavar="TIME",
                help="gather for so long, such as 30m or 4h (default: 4h); Ctrl-C ends it before",
            ),
            Argument(
                "--history",
                type=Path,
                metavar="FILE",
                help="what is gathered is kept here, and what is here already counts (default: pvsmqtt-learn.jsonl)",
            ),
            Argument("--offline", action="store_true", help="gather nothing: only analyse what --history holds"),
            Argument(
                "--capture",
                type=Path,
                metavar="FILE",
                help="take registers from this recording too: one of record --no-anonymise made while --history was",
            ),
            Argument(
                "--output",
                "-o",
                type=Path,
                metavar="FILE",
                help="the register map to write; it must not exist (default: pvsmqtt-learned.toml)",
            ),
            Argument(
                "--accept",
                choices=("all-strong",),
                help="write what has strong evidence without asking (default: ask on a terminal, else write nothing)",
            ),
            Argument("--yes", action="store_true", help="the same as --accept all-strong"),
            Argument(
                "--window",
                type=positive,
                default=15.0,
                metavar="N",
                help="a register counts for an API value if it was heard within N seconds of it (default: 15)",
            ),
            Argument("--json", dest="as_json", action="store_true", help="print the findings as JSON"),
        ),
    ),
)
