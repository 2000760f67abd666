"""The house that is told of: numbers and no words."""
