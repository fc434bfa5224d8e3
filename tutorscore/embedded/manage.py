"""`bin/manage COMMAND…`: manage.py with the home's servers up, or those of DATABASE_URL and REDIS_URL."""

import os
import subprocess
import sys

from tutorscore.embedded.lifetime import servers
from tutorscore.embedded.places import CHECKOUT, EmbeddedError, default_home
from tutorscore.embedded.supervision import supervise, terminate_on_signals
from tutorscore.embedded.variables import product_variables

MANAGE = (sys.executable, str(CHECKOUT / "manage.py"))


def main(arguments: list[str]) -> int:
    """Run one management command; returns its exit code."""
    terminate_on_signals()
    home, database_url = default_home(), os.environ.get("DATABASE_URL", "")
    try:
        with servers(home, database_url=database_url, redis_url=os.environ.get("REDIS_URL", "")) as urls:
            environment = product_variables(home, urls, demo=not database_url)
            status = supervise([*MANAGE, *arguments], environment, () if urls.lease is None else (urls.lease,))
            if status not in (0, 130) and arguments[:1] != ["migrate"]:
                _hint_at_migrations(environment)
            return status
    except EmbeddedError as error:
        print(f"bin/manage: {error}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        return 130


def _hint_at_migrations(environment: dict[str, str]) -> None:
    """A database without its tables is the usual cause of a command that failed on a new machine."""
    check = subprocess.run([*MANAGE, "migrate", "--check"], env=environment, capture_output=True, text=True)
    if check.returncode == 1 and not check.stderr:
        print("The database is behind the code: run `bin/manage migrate` (or `bin/demo`) first.", file=sys.stderr)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
