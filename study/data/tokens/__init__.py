"""How a text becomes tokens: characters, the rule that cuts them, and parts of words."""
