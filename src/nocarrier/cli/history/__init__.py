"""`nocarrier history`."""
