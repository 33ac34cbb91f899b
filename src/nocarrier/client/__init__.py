"""Reading another node's API: requests, the live stream and pages of history. Knows no node or tracker of its own."""
