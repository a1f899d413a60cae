"""What somebody should get becomes a row of `sends`, through the gates and limits of every message."""
