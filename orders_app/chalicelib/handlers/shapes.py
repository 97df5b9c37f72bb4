"""What clients may send: the bodies of the API, read strictly and printed in the OpenAPI document."""

from chalicelib.handlers.schema import Amount, Items, Record, Text, TextOr, Whole

MAX_LINES = 100
MAX_QUANTITY = 1_000_000

CUSTOMER = TextOr(
    Text(200, about="The customer's name."),
    Record(
        {
            "id": Text(64, "reference", about="Your id of the customer; made from the name if absent."),
            "name": Text(200),
            "email": Text(254, "email", about="Where mail about the order goes."),
            "phone": Text(16, "phone", about="Where text messages about the order go."),
        },
        needs=("name",),
    ),
)
LINE = Record(
    {
        "product": Text(100, about="A product's name or id."),
        "productId": Text(100, about="A product's id."),
        "quantity": Whole(1, MAX_QUANTITY),
        "unitPrice": Amount("Checked against the catalogue, which is the authority."),
    },
    needs=("quantity",),
    one_of=(("product", "productId"),),
)
SHIPPING = Record(
    {
        "name": Text(200),
        "street": Text(200),
        "street2": Text(200),
        "city": Text(100),
        "postalCode": Text(20),
        "region": Text(60, about="The region under which the order's sales are counted."),
        "country": Text(2, "country"),
    }
)
PAYMENT = Record(
    {"token": Text(100, "token", about="The payment provider's token.")},
    needs=("token",),
    about="Required in every stage but `local`.",
)
PLACE_ORDER = Record(
    {
        "customer": CUSTOMER,
        "items": Items(LINE, MAX_LINES),
        "amount": Amount("The order's total; checked against the catalogue."),
        "total": Amount("The same as `amount`; give one of them at most."),
        "currency": Text(3, "currency", about="The stage's settlement currency if absent."),
        "payment": PAYMENT,
        "shipping": SHIPPING,
    },
    needs=("customer", "items"),
)
CANCEL_ORDER = Record(
    {"reason": Text(60, "reason", about="A short code, as `customer_request`; no personal data.")}
)
