"""This computer: its CPUs and memory, its processes and its signals."""
