"""Reads the database's address from Secrets Manager."""

import json
from typing import Any
from urllib.parse import quote

from chalicelib.adapters.clients import client, code_of, translated
from chalicelib.domain.errors import ConfigurationError


class SecretStore:
    """Secrets Manager, by the secret's name or ARN."""

    def __init__(self, secretsmanager: Any = None) -> None:
        self._secretsmanager = secretsmanager

    def read(self, name: str) -> str:
        """The secret's string. Raises ConfigurationError if there is no such secret."""
        from botocore.exceptions import ClientError

        secrets = self._secretsmanager or client("secretsmanager")
        try:
            with translated("GetSecretValue"):
                return str(secrets.get_secret_value(SecretId=name)["SecretString"])
        except ClientError as fault:
            if code_of(fault) == "ResourceNotFoundException":
                raise ConfigurationError(f"there is no secret {name!r}") from fault
            raise


def database_url(text: str, secret_name: str, host: str | None = None) -> str:
    """The PostgreSQL URL in a secret: our own `{"url"}` or RDS's `{"host", "port", "username", …}`.

    `host` is a proxy before the database of RDS's form. Never quotes the secret in an error.
    """
    try:
        secret = json.loads(text)
        if "url" in secret:
            return str(secret["url"])
        user, password = (quote(str(secret[key]), safe="") for key in ("username", "password"))
        port, database = int(secret.get("port", 5432)), secret.get("dbname", "postgres")
        return f"postgresql://{user}:{password}@{host or secret['host']}:{port}/{database}?sslmode=require"
    except (ValueError, KeyError, TypeError, AttributeError) as fault:
        raise ConfigurationError(
            f"secret {secret_name!r} needs url, or host, username and password ({type(fault).__name__})"
        ) from None
