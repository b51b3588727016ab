"""What every command shares: errors as one line on stderr, exit codes, --debug, Ctrl-C."""

import argparse
import math
import os
import sys
from collections.abc import Callable, Sequence

from redwood_depth import __version__
from redwood_depth.errors import RedwoodDepthError


def command_parser(program: str, description: str, epilog: str = "") -> argparse.ArgumentParser:
    """A parser whose --help keeps the layout of the text, with the --debug flag that `run_command` reads."""
    parser = argparse.ArgumentParser(
        prog=program, description=description, epilog=epilog, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--debug", action="store_true", help="show the traceback of an error")
    parser.add_argument("--version", action="version", version=f"{program} {__version__}", help="show it, and exit")
    return parser


def run_command(
    parser: argparse.ArgumentParser, command: Callable[[argparse.Namespace], int], argv: Sequence[str] | None = None
) -> int:
    """Parse, run, and turn an error into one line and an exit code: 0 success, 1 error, 2 usage, 130 Ctrl-C."""
    arguments = parser.parse_args(argv)
    try:
        return command(arguments)
    except KeyboardInterrupt:
        print(f"{parser.prog}: stopped", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of our output went away, as `head` does
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (RedwoodDepthError, OSError) as error:
        if arguments.debug:
            raise
        print(f"{parser.prog}: error: {_words(error)}", file=sys.stderr)
        return 1


def _words(error: Exception) -> str:
    if isinstance(error, OSError) and error.filename is not None and error.strerror:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def positive(text: str) -> float:
    """A number greater than 0, as argparse reads it."""
    value = float(text)
    if not 0 < value < math.inf:
        raise argparse.ArgumentTypeError(f"must be greater than 0, not {text}")
    return value
