"""What nocarrier costs, always compared with the simplest code that does the same job, measured in the same run."""
