"""The ways in. A source knows one protocol and turns it into readings in canonical units."""
