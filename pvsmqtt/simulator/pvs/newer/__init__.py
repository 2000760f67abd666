"""How firmware with a login speaks of the house."""
