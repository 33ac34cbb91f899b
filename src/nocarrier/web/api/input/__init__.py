"""What the routes take: query parameters and JSON bodies, each a type with its limits, and how they are read."""
