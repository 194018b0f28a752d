"""What a study will cost before it starts, and how long what is left will take: time and disk."""
