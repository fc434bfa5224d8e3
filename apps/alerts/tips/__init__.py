"""Tips of the preparation mail: the situation they depend on, the catalogue, the choice. Plain Python."""
