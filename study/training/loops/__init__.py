"""The time loops of the cells, compiled by Numba: nothing here loads TensorFlow."""
