"""What a dial is, why it fails and the events that say so, with one table for each kind of knowledge.

Everything else in nocarrier makes these events or reads them. Imports nothing but `errors` and the standard library,
does no I/O and reads no clock.
"""
