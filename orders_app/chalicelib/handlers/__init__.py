"""Doors of the application: Chalice blueprints that decode, call one service, and encode."""
