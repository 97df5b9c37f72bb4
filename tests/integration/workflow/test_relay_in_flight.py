"""An event that is recorded while another relay of its order is under way does not wait for the schedule."""

import threading
from collections.abc import Mapping, Sequence
from typing import Any

from chalicelib.domain import events
from chalicelib.services.ports import PublishResult
from tests.fakes import FakeBus
from tests.shop import Shop


class InterruptedBus(FakeBus):
    """While the first events are on their way to the bus, something else happens to the order."""

    def __init__(self, shop: Shop) -> None:
        super().__init__()
        self._shop = shop
        self._interrupted = False

    def publish(self, envelopes: Sequence[Mapping[str, Any]]) -> list[PublishResult]:
        if not self._interrupted:
            self._interrupted = True
            other = threading.Thread(target=self._cancel, args=(envelopes[0]["orderId"],))
            other.start()
            other.join()
        return super().publish(envelopes)

    def _cancel(self, order_id: str) -> None:
        self._shop.cancel(order_id)
        # As the request does: this relay finds the order's first event held and leaves its own in turn.
        self._shop.services.relay_outbox(order_id=order_id)
        self._shop.close()


def test_event_recorded_during_a_relay_goes_out_with_it(shop: Shop) -> None:
    bus = InterruptedBus(shop)
    shop.rewire(bus=bus)

    order_id = shop.place()

    assert bus.types(order_id) == [events.PLACED, events.CANCELLATION_REQUESTED]
