"""What the supervisor tells of itself in small replies."""
