"""Every AWS name of the platform is made here, for the app and the scripts alike."""

APP = "orders"
STAGES = ("local", "dev", "prod")
LOCAL_ACCOUNT = "000000000000"
LOCAL_REGION = "us-east-1"


def resource(name: str, stage: str) -> str:
    """`<name>-<stage>`, at most 64 characters (the shortest limit among the services used)."""
    return _checked(f"{name}-{stage}", 64)


def function(name: str, stage: str) -> str:
    """The deployed name of a Chalice function: `<app>-<stage>-<name>`, at most 64 characters."""
    return _checked(f"{APP}-{stage}-{name}", 64)


def bucket(name: str, stage: str, account: str) -> str:
    """`<name>-<stage>-<account>`: bucket names are global, so the account is part of them."""
    return _checked(f"{name}-{stage}-{account}", 63)


def glue_database(stage: str) -> str:
    """Glue and Athena names allow no hyphen in unquoted SQL, hence the underscores."""
    return f"order_lake_{stage}"


def _checked(name: str, limit: int) -> str:
    if len(name) > limit:
        raise ValueError(f"name {name!r} has {len(name)} characters, at most {limit} are allowed")
    return name
