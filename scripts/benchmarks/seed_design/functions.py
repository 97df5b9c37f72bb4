"""Lesson 7's six functions, as deployed to the engine: this file alone is the package of each.

It imports nothing of this repository. Numbers in the docstrings are lines of the lesson.
"""

import json
import os
import random
import time
from datetime import UTC, datetime, timedelta
from functools import cache
from typing import Any

Event = dict[str, Any]


@cache
def _client(service: str) -> Any:
    """`new EventBridgeClient({})` and its like stand at the top of a module there (430, 652, 653)."""
    import boto3

    return boto3.client(service)


def order_event_processor(event: Event, context: object) -> Event:
    """Lines 213-233."""
    print("Received event:", json.dumps(event, indent=2))
    detail = event["detail"]
    print(f"Processing order {detail['orderId']} for customer {detail['customer']}")
    body = json.dumps({"message": "Event processed", "orderId": detail["orderId"]})
    return {"statusCode": 200, "body": body}


def validate_payment(event: Event, context: object) -> Event:
    """Lines 370-385: 80% of the calls succeed."""
    print("Validating payment for order:", event["orderId"])
    if not random.random() > 0.2:
        raise Exception("Payment validation failed")
    return {**event, "paymentValidated": True, "paymentId": f"PAY-{_now()}"}


def check_inventory(event: Event, context: object) -> Event:
    """Lines 391-406: 90% are in stock."""
    print("Checking inventory for order:", event["orderId"])
    if not random.random() > 0.1:
        raise Exception("Item out of stock")
    shipping = datetime.now(UTC) + timedelta(days=3)
    return {**event, "inventoryReserved": True, "estimatedShipping": shipping.isoformat()}


def process_order(event: Event, context: object) -> Event:
    """Lines 412-423: one second of `setTimeout` (416), here PROCESSING_SECONDS."""
    print("Processing order:", event["orderId"])
    time.sleep(float(os.environ.get("PROCESSING_SECONDS", "1")))
    return {**event, "status": "processed", "processedAt": datetime.now(UTC).isoformat()}


def send_notification(event: Event, context: object) -> Event:
    """Lines 429-450."""
    print("Sending notification for order:", event["orderId"])
    message = (
        f"Order {event['orderId']} has been {event['status']}!\n"
        f"Customer: {event['customer']}\n"
        f"Amount: ${event['amount']}\n"
        f"Estimated Shipping: {event.get('estimatedShipping') or 'TBD'}"
    )
    _client("sns").publish(
        TopicArn=os.environ["NOTIFICATION_TOPIC_ARN"],
        Subject=f"Order {event['orderId']} Update",
        Message=message,
    )
    return {**event, "notificationSent": True}


def place_order(event: Event, context: object) -> Event:
    """Lines 649-702: the event and the workflow are sent separately, and either may be lost."""
    print("Placing order:", event["body"])
    order = json.loads(event["body"])
    order_id = f"ORD-{_now()}"
    data = {"orderId": order_id, **order, "timestamp": datetime.now(UTC).isoformat()}
    try:
        entry = {
            "Source": "order.service",
            "DetailType": "Order Placed",
            "Detail": json.dumps(data),
            "EventBusName": "order-event-bus",
        }
        _client("events").put_events(Entries=[entry])
        machine = os.environ["STATE_MACHINE_ARN"]
        _client("stepfunctions").start_execution(stateMachineArn=machine, input=json.dumps(data))
        body = {"message": "Order placed successfully", "orderId": order_id, "status": "processing"}
        headers = {"Content-Type": "application/json"}
        return {"statusCode": 202, "headers": headers, "body": json.dumps(body)}
    except Exception as error:
        print("Error:", error)
        return {"statusCode": 500, "body": json.dumps({"error": "Failed to place order"})}


def _now() -> int:
    """`Date.now()`."""
    return int(time.time() * 1000)
