"""Sends one mail through SES, at most once."""

from typing import Any

from chalicelib.adapters.clients import once_client, sent_once


class Mail:
    """Customers' mail from the stage's verified sender."""

    def __init__(self, sender: str, ses: Any = None) -> None:
        self._sender = sender
        self._ses = ses

    def send(self, recipient: str, subject: str, text: str) -> str:
        """Sends plain text and returns SES's message id; errors are those of `sent_once`."""
        ses = self._ses or once_client("ses")
        with sent_once("SendEmail"):
            answer = ses.send_email(
                Source=self._sender,
                Destination={"ToAddresses": [recipient]},
                Message={
                    "Subject": {"Data": subject, "Charset": "UTF-8"},
                    "Body": {"Text": {"Data": text, "Charset": "UTF-8"}},
                },
            )
        return str(answer["MessageId"])
