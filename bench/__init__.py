"""What nocarrier costs, always as a ratio to the plainest thing that does the same job, measured in the same run."""
