"""The environment variables the product's settings read, for a machine on which nobody configured anything."""

import os
import secrets
from pathlib import Path

from tutorscore.embedded.lifetime import Urls
from tutorscore.embedded.places import CHECKOUT


def product_variables(home: Path, urls: Urls, *, port: int = 8000, demo: bool) -> dict[str, str]:
    """Our environment completed for the product; what is set already stays as it is.

    `demo` switches the demo-only tasks on, HTTPS off and the logs down to warnings. The artifacts of a home of one's
    own stay in that home.
    """
    artifacts = CHECKOUT / "ml_artifacts" if home == CHECKOUT / ".state" else home / "ml_artifacts"
    defaults = {
        "SECRET_KEY": os.environ.get("SECRET_KEY") or _secret_key(home),
        "BASE_URL": f"http://localhost:{port}",
        "ALLOWED_HOSTS": "localhost,127.0.0.1",
        "ARTIFACT_DIR": str(artifacts),
        "DJANGO_SETTINGS_MODULE": "tutorscore.settings",
    }
    if demo:
        defaults |= {"DEMO": "1", "LOG_LEVEL": "WARNING"}
    servers = {"DATABASE_URL": urls.database_url, "REDIS_URL": urls.redis_url, "TUTORSCORE_HOME": str(home)}
    return defaults | {name: value for name, value in os.environ.items() if value or name not in defaults} | servers


def _secret_key(home: Path) -> str:
    """The home's own signing key, made on first use; two first users agree on one."""
    home.mkdir(parents=True, exist_ok=True)
    file = home / "secret_key"
    if not file.exists():
        draft = home / f"secret_key.{os.getpid()}"
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
        with os.fdopen(descriptor, "w") as output:
            output.write(secrets.token_urlsafe(50))
        try:
            file.hardlink_to(draft)
        except FileExistsError:
            pass  # the other first user was faster: its key counts
        finally:
            draft.unlink()
    return file.read_text()
