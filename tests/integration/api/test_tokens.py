"""scripts.tokens on a real PostgreSQL: what it gives out opens the API, what it revokes does not."""

import importlib
import sys

import psycopg
import pytest

from chalicelib.domain.commands import Principal
from chalicelib.domain.errors import InvalidQueryError
from chalicelib.services.authenticate import token_hash
from scripts import tokens
from tests.integration.api.conftest import Api


def run(api: Api, *args: str) -> int:
    """The command, asking the service as the deployed function does."""
    parsed = tokens.arguments([args[0], "--stage", "dev", *args[1:]])
    print(parsed.run(api.services.manage_tokens, parsed))
    return 0


def created(api: Api, capsys: pytest.CaptureFixture[str], subject: str, scopes: str, *more: str) -> str:
    run(api, "create", "--subject", subject, "--scopes", scopes, *more)
    return capsys.readouterr().out.splitlines()[-1]


def test_a_new_token_has_its_subject_and_scopes(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    token = created(api, capsys, "shop", "orders:write,orders:read", "--days", "90")
    assert api.services.authenticate(token) == Principal("shop", frozenset({"orders:read", "orders:write"}))
    assert api.services.authenticate(token + "x") is None


def test_a_token_is_stored_as_its_hash_only(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    token = created(api, capsys, "shop", "ops")
    assert token not in str(api.rows("SELECT * FROM api_tokens"))


def test_a_revoked_token_is_unknown(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    kept, revoked = (created(api, capsys, subject, "ops") for subject in ("kept", "revoked"))
    run(api, "list")
    ids = {line.split()[1]: line.split()[0] for line in capsys.readouterr().out.splitlines()}
    run(api, "revoke", ids["revoked"])
    assert api.services.authenticate(revoked) is None
    assert api.services.authenticate(kept) == Principal("kept", frozenset({"ops"}))
    with pytest.raises(InvalidQueryError):
        run(api, "revoke", ids["revoked"])


def test_an_expired_token_is_unknown(api: Api, capsys: pytest.CaptureFixture[str]) -> None:
    token = created(api, capsys, "shop", "ops", "--days", "1")
    assert api.services.authenticate(token) is not None
    with psycopg.connect(api.database_url) as db:
        db.execute("UPDATE api_tokens SET expires_at = expires_at - interval '25 hours'")
    assert api.services.authenticate(token) is None


@pytest.mark.parametrize("token_id", ["", "%", "abc", "' OR 1=1"])
def test_revoke_takes_whole_ids_only(api: Api, token_id: str, capsys: pytest.CaptureFixture[str]) -> None:
    created(api, capsys, "shop", "ops")
    with pytest.raises(InvalidQueryError):
        run(api, "revoke", token_id)
    assert api.rows("SELECT count(*) FROM api_tokens") == [(1,)]


@pytest.mark.parametrize(
    ("subject", "scopes", "days"),
    [("local", "ops", "1"), ("bus", "ops", "1"), ("a@example.com", "ops", "1"), ("", "ops", "1"),
     ("shop", "root", "1"), ("shop", "", "1"), ("shop", "ops", "0"), ("shop", "ops", "99999999")],
)  # fmt: skip
def test_create_refuses_taken_subjects_unknown_scopes_and_odd_days(
    api: Api, subject: str, scopes: str, days: str
) -> None:
    with pytest.raises(InvalidQueryError):
        run(api, "create", "--subject", subject, "--scopes", scopes, "--days", days)
    assert api.rows("SELECT count(*) FROM api_tokens") == [(0,)]


def test_the_deployed_function_hands_out_tokens_by_their_hash(
    api: Api, monkeypatch: pytest.MonkeyPatch
) -> None:
    from chalicelib.handlers import authorizer

    monkeypatch.setattr(authorizer, "services", lambda: api.services)
    request = {"action": "add", "tokenHash": token_hash("t"), "subject": "shop", "scopes": ["ops"]}
    assert authorizer.manage_tokens(request, None) == {"id": token_hash("t")[:12], "expiresAt": None}
    assert api.services.authenticate("t") == Principal("shop", frozenset({"ops"}))


def test_an_unreachable_database_is_told_in_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert tokens.main(["list", "--stage", "dev", "--database-url", "postgresql://127.0.0.1:9/x"]) == 1
    assert capsys.readouterr().err.startswith("error: cannot connect")


def test_a_token_opens_the_deployed_api_to_its_own_orders_only(
    api: Api, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ada, eve = (created(api, capsys, name, "orders:read,orders:write") for name in ("ada", "eve"))
    ops = created(api, capsys, "operator", "ops")
    monkeypatch.setenv("STAGE", "dev")
    for name in [name for name in sys.modules if name == "app" or name.startswith("chalicelib.handlers")]:
        monkeypatch.delitem(sys.modules, name)
    app = importlib.import_module("app").app
    authorizer = importlib.import_module("chalicelib.handlers.authorizer")
    monkeypatch.setattr(authorizer, "services", lambda: api.services)
    around = importlib.import_module("chalicelib.handlers.middleware").around
    app.middleware_handlers[:] = [(around(lambda: api.services), "http")]
    api.client = type(api.client)(app, stage_name="local")
    body = {"customer": "Ada", "items": [{"product": "Widget", "quantity": 1}]}
    answer = api.send("POST", "/orders", body, Authorization=f"Bearer {ada}", Idempotency_Key="k")
    order_id = answer.json_body["orderId"]
    assert (
        api.send("POST", "/orders", body, Authorization=f"Bearer {eve}", Idempotency_Key="k").json_body[
            "orderId"
        ]
        != order_id
    ), "keys belong to a subject"
    api.services.apply_event_to_read_model(api.bus.events)
    for token, status, listed in ((ada, 200, 1), (eve, 404, 1), (ops, 200, 2)):
        headers = {"Authorization": f"Bearer {token}"}
        assert api.send("GET", f"/orders/{order_id}", **headers).status_code == status
        assert api.send("GET", f"/orders/{order_id}/events", **headers).status_code == status
        assert len(api.send("GET", "/orders", **headers).json_body["orders"]) == listed
    assert api.send("POST", f"/orders/{order_id}/cancel", Authorization=f"Bearer {eve}").status_code == 404
    assert api.send("POST", f"/orders/{order_id}/cancel", Authorization=f"Bearer {ops}").status_code == 202
