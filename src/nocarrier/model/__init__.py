"""The waist: what a dial is, why it fails, and the events that tell of it.

Everything else in nocarrier either makes these events or reads them. Standard library only; no I/O, no clock.
"""
