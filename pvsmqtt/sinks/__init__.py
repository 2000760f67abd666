"""The ways out. A sink knows one audience."""
