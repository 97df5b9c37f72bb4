"""The rules of orders, money and events; nothing here knows a database or a cloud."""
