"""The commands, some to a module: each gathers what was asked, and calls its counterpart in Python."""
