"""How firmware without a login speaks of the house."""
