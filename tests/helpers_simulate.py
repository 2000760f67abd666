"""``simulate`` as a command: parsed and run here, or in a process of its own where it serves."""

from __future__ import annotations

import argparse
import asyncio
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from pvsmqtt.simulator.command import add_parser

PROGRAM = """
import argparse, sys
from pvsmqtt.simulator.command import add_parser
parser = argparse.ArgumentParser()
add_parser(parser.add_subparsers(required=True))
args = parser.parse_args()
sys.exit(args.run(args))
"""


def parse(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="pvsmqtt")
    add_parser(parser.add_subparsers(required=True))
    return parser.parse_args(["simulate", *words])


def run(*words: str) -> int:
    args = parse(*words)
    status: int = args.run(args)
    return status


@asynccontextmanager
async def serving(*words: str) -> AsyncIterator[asyncio.subprocess.Process]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", PROGRAM, "simulate", *words),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def said(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    return (await process.stdout.readline()).decode()
