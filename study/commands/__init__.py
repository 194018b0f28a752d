"""The commands of the command line, by what a person wants; each loads what it needs when it runs."""
