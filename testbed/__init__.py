"""What tests, lab and tools share: network namespaces, a name server, and checks for the programs that they need."""
