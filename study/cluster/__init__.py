"""Ray: its session, its workers and where they are placed, and what stops them."""
