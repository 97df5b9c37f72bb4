"""The notifier port over SES, SNS text messages and the operators' topics."""

from chalicelib import metrics
from chalicelib.adapters.mail import Mail
from chalicelib.adapters.sms import TextMessages
from chalicelib.adapters.topics import OperatorTopics
from chalicelib.services.ports import Message


class Notifier:
    """Hands one message to its channel: `email`, `sms` or `operators`."""

    def __init__(self, mail: Mail, texts: TextMessages, topics: OperatorTopics) -> None:
        self._mail = mail
        self._texts = texts
        self._topics = topics

    def send(self, message: Message) -> None:
        """Hand over once; errors are those of `clients.sent_once`."""
        try:
            self._send(message)
        except Exception:
            metrics.count("NotificationFailures", channel=message.channel)
            raise

    def alert(self, subject: str, text: str, order_id: str, correlation_id: str) -> None:
        """Tell a person that something needs a decision."""
        self._topics.alert(subject, {"text": text, "orderId": order_id, "correlationId": correlation_id})
        metrics.count("CriticalAlerts")

    def _send(self, message: Message) -> None:
        if message.channel == "operators":
            self._topics.notify(message.subject, message.text)
        elif message.channel == "email" and message.recipient:
            self._mail.send(message.recipient, message.subject, message.text)
        elif message.channel == "sms" and message.recipient:
            self._texts.send(message.recipient, message.text)
        else:
            raise ValueError(f"no way to send on channel {message.channel!r}")
