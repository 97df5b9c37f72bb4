"""The order platform's application package, shipped whole with every Chalice function."""
