"""A capture as a scenario that behaves as the registry in it did."""
