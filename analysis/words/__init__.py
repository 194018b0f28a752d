"""How the report puts things: numbers in words, names of factors, published figures."""
