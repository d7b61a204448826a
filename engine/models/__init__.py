"""The registry of trained models: kept whole or not at all, checked at every load, by alias."""
