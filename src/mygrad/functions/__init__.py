"""One line, one function: the rules of NumPy's functions."""
