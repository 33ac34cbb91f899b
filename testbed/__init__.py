"""What tests share: network namespaces, a name server, and what this machine must have for them."""
