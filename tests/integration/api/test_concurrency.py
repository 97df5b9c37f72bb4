"""Many clients at once on a real PostgreSQL: one key makes one order, whatever the timing."""

from concurrent.futures import ThreadPoolExecutor

from tests.integration.api.conftest import Api
from tests.integration.api.test_orders import SEED_ORDER

CLIENTS, REQUESTS = 24, 200


def test_200_posts_with_one_key_make_one_order(api: Api) -> None:
    def post(_: int) -> tuple[int, str | None]:
        response = api.send("POST", "/orders", SEED_ORDER, Idempotency_Key="pressed-again")
        return response.status_code, response.json_body.get("orderId")

    with ThreadPoolExecutor(CLIENTS) as pool:
        answers = list(pool.map(post, range(REQUESTS)))
    assert {status for status, _ in answers} <= {202, 409}
    assert len({order_id for status, order_id in answers if status == 202}) == 1
    assert api.rows("SELECT count(*) FROM orders") == [(1,)]
    assert len(api.bus.events) == 1

    # The first one has ended: whoever asks again now, however many at once, gets its answer.
    with ThreadPoolExecutor(CLIENTS) as pool:
        again = set(pool.map(post, range(REQUESTS)))
    assert again == {(202, order_id) for status, order_id in answers if status == 202}
