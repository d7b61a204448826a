"""The sample's world: hourly production, consumption and exchange of electricity."""
