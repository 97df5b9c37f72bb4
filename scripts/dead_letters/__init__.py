"""Dead letters of all queues alike: what they are, where they came from, where they belong."""
