"""What the ports are made of: PostgreSQL, AWS services, the payment gateway."""
