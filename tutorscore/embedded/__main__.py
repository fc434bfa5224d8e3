"""`python -m tutorscore.embedded run [--home H] [--temporary] -- COMMAND…`

Runs the command with DATABASE_URL and REDIS_URL of the home's servers; a variable that is set already is kept, and
its server not started. The other words are `remove` (delete a home with its data) and `guard` (used internally).
"""

import argparse
import os
import sys
import tempfile
from pathlib import Path

from tutorscore.embedded.lifetime import delete, servers, stop_with_last_user
from tutorscore.embedded.places import EmbeddedError, default_home
from tutorscore.embedded.supervision import supervise, terminate_on_signals, with_urls


def main(arguments: list[str]) -> int:
    """The command line; returns the exit code."""
    options = _parser().parse_args(arguments)
    terminate_on_signals()
    try:
        if options.word == "guard":
            stop_with_last_user(options.home)
        elif options.word == "remove":
            delete(options.home)
        else:
            return _run(options)
    except EmbeddedError as error:
        print(f"embedded servers: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tutorscore.embedded", description=__doc__)
    words = parser.add_subparsers(dest="word", required=True)
    for word in ("run", "remove", "guard"):
        one = words.add_parser(word)
        one.add_argument("--home", type=Path, default=default_home(), help="default: TUTORSCORE_HOME, else .state/")
        if word == "run":
            one.add_argument("--temporary", action="store_true", help="a new home, deleted at the end")
            one.add_argument("command", nargs=argparse.REMAINDER, help="-- and the command")
    return parser


def _run(options: argparse.Namespace) -> int:
    command = options.command[1:] if options.command[:1] == ["--"] else options.command
    if not command:
        raise EmbeddedError("nothing to run: give a command after --")
    home = Path(tempfile.mkdtemp(prefix="tutorscore-")) if options.temporary else options.home
    with servers(
        home,
        database_url=os.environ.get("DATABASE_URL", ""),
        redis_url=os.environ.get("REDIS_URL", ""),
        temporary=options.temporary,
    ) as urls:
        environment = with_urls(urls.database_url, urls.redis_url) | {"TUTORSCORE_HOME": str(home)}
        return supervise(command, environment, () if urls.lease is None else (urls.lease,))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
