"""The orders that the demo places and what a customer sees of each until it is settled."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from scripts.local_run.outside import Answer, Api, Json, wait_until

Notice = tuple[str, str]
SETTLED = {
    "completed",
    "declined",
    "out_of_stock",
    "failed",
    "cancelled",
    "refunded",
    "compensation_failed",
}


@dataclass(frozen=True)
class Scene:
    """One order of the story: `wanted` is the status it must end in."""

    name: str
    title: str
    body: Mapping[str, Any]
    wanted: str
    act: Callable[[Api, "Scene"], list[Answer]]


@dataclass(frozen=True)
class Told:
    """A scene after it was played: the order's id, the answers to its requests, its final state."""

    scene: Scene
    order_id: str
    answers: list[Answer]
    order: Json
    events: list[Json]


def place(api: Api, scene: Scene) -> list[Answer]:
    return [api.post("/orders", scene.body, {"Idempotency-Key": f"demo-{scene.name}"})]


def place_twice(api: Api, scene: Scene) -> list[Answer]:
    return [*place(api, scene), *place(api, scene)]


def place_and_cancel(api: Api, scene: Scene) -> list[Answer]:
    placed = place(api, scene)
    return [*placed, api.post(f"/orders/{placed[0].body['orderId']}/cancel", {"reason": "changed_mind"})]


def complete_and_cancel(api: Api, scene: Scene) -> list[Answer]:
    placed = place(api, scene)
    order_id = placed[0].body["orderId"]
    wait_until(lambda: status_of(api, order_id), lambda status: status in SETTLED, f"the end of {order_id}")
    return [*placed, api.post(f"/orders/{order_id}/cancel", {"reason": "wrong_colour"})]


def status_of(api: Api, order_id: str) -> str:
    return str(api.get(f"/orders/{order_id}").body.get("status"))


def play(api: Api, scene: Scene) -> tuple[Scene, str, list[Answer]]:
    """Place the scene's order. Raises RuntimeError when the API refuses one of its requests."""
    answers = scene.act(api, scene)
    for answer in answers:
        if answer.status != 202:
            raise RuntimeError(f"scene {scene.name!r}: the API answered {answer!r}")
    return scene, str(answers[0].body["orderId"]), answers


def await_end(api: Api, scene: Scene, order_id: str, answers: list[Answer]) -> Told:
    """Wait until the order is in the status that its scene wants, and each of its notifications is sent."""
    path = f"/orders/{order_id}"
    told = expected_notices(scene)
    order = wait_until(
        lambda: api.get(path).body,
        lambda order: order.get("status") == scene.wanted and notices(order) >= told,
        f"{scene.name}: {path}",
    )
    return Told(scene, order_id, answers, order, api.get(path + "/events").body["events"])


def notices(order: Json) -> set[Notice]:
    """What was sent about the order, by outcome and channel."""
    return {(one["about"], one["channel"]) for one in order["notifications"] if one["state"] == "sent"}


def expected_notices(scene: Scene) -> set[Notice]:
    """Each outcome of the scene on each channel: the operators', and one for each address of the customer."""
    outcomes = {"completed", scene.wanted} if scene.act is complete_and_cancel else {scene.wanted}
    return {(about, channel) for about in outcomes for channel in ("operators", *addresses(scene))}


def addresses(scene: Scene) -> list[str]:
    """The channels on which the scene's customer can be reached."""
    customer = scene.body["customer"]
    known = {} if isinstance(customer, str) else customer
    return [channel for channel, key in (("email", "email"), ("sms", "phone")) if key in known]


def _customer(number: int, name: str) -> Json:
    return {
        "id": f"C10{number}",
        "name": name,
        "email": f"{name.split()[0].lower()}@example.com",
        "phone": f"+1555010{number:04d}",
    }


SCENES = (
    Scene(
        "completed",
        "an order as the lesson's own curl sends it",
        {
            "customer": "Bob Smith",
            "amount": 499.99,
            "items": [
                {"product": "Gaming Console", "quantity": 1},
                {"product": "Controller", "quantity": 2},
            ],
        },
        "completed",
        place,
    ),
    Scene(
        "declined",
        "a card that the bank declines",
        {
            "customer": _customer(2, "Jane Doe"),
            "items": [{"product": "Laptop", "quantity": 1}],
            "payment": {"token": "tok_decline"},
        },
        "declined",
        place,
    ),
    Scene(
        "out-of-stock",
        "the shelf is empty",
        {
            "customer": _customer(3, "Carol Reyes"),
            "items": [{"product": "Vintage Radio", "quantity": 1}],
        },
        "out_of_stock",
        place,
    ),
    Scene(
        "cancelled",
        "cancelled while the slow bank still thinks",
        {
            "customer": _customer(4, "Dan Okafor"),
            "items": [{"product": "Widget", "quantity": 2}],
            "payment": {"token": "tok_slow"},
        },
        "cancelled",
        place_and_cancel,
    ),
    Scene(
        "same-key-twice",
        "the button pressed twice: one key, one order",
        {
            "customer": _customer(5, "Eve Lindqvist"),
            "items": [{"product": "Controller", "quantity": 1}],
        },
        "completed",
        place_twice,
    ),
    Scene(
        "refunded",
        "cancelled after it was paid: money back, stock back",
        {
            "customer": _customer(6, "Frank Moreau"),
            "items": [{"product": "Widget", "quantity": 1}],
        },
        "refunded",
        complete_and_cancel,
    ),
)
