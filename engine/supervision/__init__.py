"""The parts of the supervisor. Standard library only, so that it starts fast and stays small."""
