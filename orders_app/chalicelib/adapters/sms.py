"""Sends one text message through SNS, at most once."""

from typing import Any

from chalicelib.adapters.clients import once_client, sent_once


class TextMessages:
    """Customers' text messages, to numbers in E.164 form."""

    def __init__(self, sns: Any = None) -> None:
        self._sns = sns

    def send(self, number: str, text: str) -> str:
        """Sends and returns SNS's message id; errors are those of `sent_once`."""
        sns = self._sns or once_client("sns")
        with sent_once("Publish"):
            answer = sns.publish(
                PhoneNumber=number,
                Message=text,
                MessageAttributes={"AWS.SNS.SMS.SMSType": _string("Transactional")},
            )
        return str(answer["MessageId"])


def _string(value: str) -> dict[str, str]:
    return {"DataType": "String", "StringValue": value}
