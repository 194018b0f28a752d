"""Settings of a space: drawn, listed, counted, near each other; one by one and by the thousand."""
