"""`nocarrier top`."""
