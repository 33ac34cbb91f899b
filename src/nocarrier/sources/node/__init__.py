"""The peer-to-peer node: sessions, listener, peer book, maintainer, gossip, and admission."""
