"""The power of the house, about once a second."""
