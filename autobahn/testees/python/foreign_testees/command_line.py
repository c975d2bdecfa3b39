"""The command lines of the echo programs."""

import argparse
import sys

# Longer than every message that a suite asks to have back, and far below the memory of a machine.
MAX_MESSAGE = 64 << 20


def port():
    """Returns the port that the option --port has on the command line."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, required=True, help="0 picks a free port")
    return parser.parse_args().port


def urls():
    """Returns the URLs to connect to; - reads them from standard input."""
    for argument in sys.argv[1:]:
        yield from (line.strip() for line in sys.stdin) if argument == "-" else [argument]


async def run(echo):
    """Calls `echo` with each URL, and prints how the connections ended."""
    for url in urls():
        try:
            await echo(url)
            print(f"done {url}", flush=True)
        # Each library has its own errors. The suite judges how the connection ends.
        except Exception as error:
            print(f"failed {url}: {error!r}", flush=True)
