"""`nocarrier report`."""
