"""The calculus: tensors, graphs and the forms a rule can take; it knows no particular function."""
