"""HTTP in and out. Loads each system's webhook side, never an SDK."""
