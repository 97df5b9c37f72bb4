"""The name by which a state machine calls a function."""


def placeholder_of(function: str) -> str:
    """`claim-order` → `ClaimOrderArn`."""
    return "".join(word.title() for word in function.split("-")) + "Arn"
