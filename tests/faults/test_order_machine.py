"""Many orders, any steps in any order, deaths, refusals, repeats: held against a small model of an order."""

import random
from collections.abc import Callable
from typing import Any, ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from chalicelib.domain.commands import ClaimOrder
from chalicelib.domain.errors import NotCancellableError, OrdersError, RefusedError
from tests.faults.points import Points, ProcessDied, install, second_process
from tests.faults.proof import bring_to_rest, check_always, check_at_rest, stock_of
from tests.shop import Shop, an_order, lines

TOKENS = (
    "tok_approve", "tok_approve", "tok_decline", "tok_timeout_after_charge_once", "tok_error_after_charge",
    "tok_timeout_before_charge_once", "tok_timeout_before_charge", "tok_capture_refused",
)  # fmt: skip
NEVER_PAID = ("tok_decline", "tok_timeout_before_charge", "tok_capture_refused")
STEPS = ("validate_payment", "check_inventory", "process_order", "compensate_order")
EXECUTIONS = st.sampled_from(["exec-1", "exec-2"])
NUMBERS = st.integers(0, 20)


class Model:
    """What one order may become: its ends shrink as things happen to it."""

    def __init__(self, token: str, scarce: bool) -> None:
        self.ends = {"failed", "cancelled"}
        if token == "tok_decline":
            self.ends.add("declined")
        if token not in NEVER_PAID:
            self.ends |= {"completed", "refunded"}
        if scarce and token != "tok_decline":
            self.ends.add("out_of_stock")
        self.asked_to_cancel = False

    def cancelled(self) -> None:
        """It was promised: whatever happens now, the customer does not pay in the end."""
        self.asked_to_cancel = True
        self.ends &= {"cancelled", "refunded", "failed"}

    def allowed(self) -> set[str]:
        return self.ends if self.asked_to_cancel else self.ends - {"cancelled", "refunded"}


class OrderMachine(RuleBasedStateMachine):
    new_shop: ClassVar[Callable[[], Shop]]

    def __init__(self) -> None:
        super().__init__()
        self.shop = type(self).new_shop()
        self.shop.set_stock("Signed Print", 3)
        self.opening = stock_of(self.shop)
        self.healthy = second_process(self.shop)
        self.points = Points()
        install(self.shop, self.points)
        self.models: dict[str, Model] = {}
        self.keys: dict[str, str] = {}
        self.randomness = random.Random(1)

    def act(self, action: Callable[[], Any]) -> Any:
        """Do it; the process may die meanwhile, a caller may be refused: both are part of life."""
        try:
            return action()
        except ProcessDied:
            self.shop.close()
            self.points.off()
        except OrdersError:
            pass
        return None

    def some(self, number: int) -> str:
        return sorted(self.models)[number % len(self.models)]

    @rule(moment=st.integers(0, 8))
    def die_soon(self, moment: int) -> None:
        self.points.die_at(moment)

    @rule(token=st.sampled_from(TOKENS), scarce=st.booleans(), repeats=st.integers(1, 3))
    def place(self, token: str, scarce: bool, repeats: int) -> None:
        key = f"key-{len(self.keys)}"
        order = an_order(
            payment_token=token, idempotency_key=key, fingerprint=key,
            lines=lines(("Signed Print", 2), ("Widget", 1)) if scarce else lines(("Widget", 2)),
        )  # fmt: skip
        for _ in range(repeats):
            self.act(lambda: self.shop.services.place_order(order))
        reply = self.healthy.services.place_order(order)  # the client asks until it knows
        self.keys[key] = reply.body["orderId"]
        self.models[self.keys[key]] = Model(token, scarce)
        assert self.healthy.query("SELECT count(*) FROM orders") == [(len(self.keys),)]

    @precondition(lambda self: self.models)
    @rule(number=NUMBERS, execution=EXECUTIONS)
    def start(self, number: int, execution: str) -> None:
        order = self.some(number)
        self.act(lambda: self.shop.claim(order, execution))

    @precondition(lambda self: self.models)
    @rule(number=NUMBERS, execution=EXECUTIONS, step=st.sampled_from(STEPS), times=st.integers(1, 2))
    def step(self, number: int, execution: str, step: str, times: int) -> None:
        task = self.shop.task(self.some(number), execution)
        for _ in range(times):
            self.act(lambda: getattr(self.shop.services, step)(task))

    @precondition(lambda self: self.models)
    @rule(number=NUMBERS, execution=EXECUTIONS)
    def run_through(self, number: int, execution: str) -> None:
        self.act(lambda: self.shop.run(self.some(number), execution))

    @precondition(lambda self: self.models)
    @rule(number=NUMBERS)
    def cancel(self, number: int) -> None:
        order = self.some(number)
        try:
            self.healthy.cancel(order)
        except NotCancellableError:
            return
        self.models[order].cancelled()

    @precondition(lambda self: self.models)
    @rule(number=NUMBERS, settle=st.booleans(), execution=EXECUTIONS)
    def carry_cancellation_out(self, number: int, settle: bool, execution: str) -> None:
        order = self.some(number)
        claim = ClaimOrder({"orderId": order}, f"cancel-{execution}")
        self.act(lambda: self.shop.services.begin_cancellation(claim))
        if settle:
            task = self.shop.task(order, claim.execution)
            self.act(lambda: self.shop.services.settle_cancellation(task))

    @rule(minutes=st.sampled_from([1, 3, 16]))
    def time_passes(self, minutes: int) -> None:
        self.shop.clock.advance(minutes=minutes)
        self.act(self.shop.services.expire_reservations)
        self.act(self.shop.services.sweep_orders)

    @rule(refused=st.booleans())
    def relay(self, refused: bool) -> None:
        self.shop.bus.refuse = lambda envelope: "throttled" if refused and envelope["sequence"] % 2 else None
        self.act(self.shop.services.relay_outbox)
        self.shop.bus.refuse = lambda envelope: None

    @rule(seed=st.integers(0, 1000))
    def deliver(self, seed: int) -> None:
        """Every message one to five times, in any order."""
        chance = random.Random(seed)
        messages = [e for e in self.shop.bus.accepted for _ in range(chance.randint(1, 5))]
        chance.shuffle(messages)
        for start in range(0, len(messages), 10):
            self.act(lambda start=start: self.shop.consume(messages[start : start + 10]))  # type: ignore[misc]

    @invariant()
    def nothing_is_sold_or_charged_twice(self) -> None:
        check_always(self.healthy)

    def teardown(self) -> None:
        self.points.off()
        try:
            bring_to_rest(self.healthy)
            check_at_rest(self.healthy, self.opening)
            for order, model in self.models.items():
                assert self.healthy.status(order) in model.allowed(), (order, model.ends)
            self.deliver(len(self.models))
            self.healthy.consume()
            live = self.healthy.read_model()
            self.healthy.services.rebuild_read_model()
            assert self.healthy.read_model() == live
        finally:
            self.shop.close()
            self.healthy.close()


def test_an_order_is_what_a_small_model_says(new_shop: Callable[[], Shop]) -> None:
    OrderMachine.new_shop = staticmethod(new_shop)
    run_state_machine_as_test(
        OrderMachine,
        settings=settings(
            max_examples=15, stateful_step_count=25, deadline=None, print_blob=True,
            suppress_health_check=list(HealthCheck),
        ),
    )  # fmt: skip


def test_the_model_refuses_what_it_should() -> None:
    model = Model("tok_approve", scarce=False)
    assert "completed" in model.allowed()
    model.cancelled()
    assert "completed" not in model.allowed()
    assert issubclass(NotCancellableError, RefusedError)
