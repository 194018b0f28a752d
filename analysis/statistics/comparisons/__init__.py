"""What a comparison rests on: pairs, their three sources of chance, and the rule that answers."""
