"""The live stream of the newest events: encoded once, and sent to every reader."""
