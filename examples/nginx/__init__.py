"""nginx in front of a small app."""
