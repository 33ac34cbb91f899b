"""`python -m nocarrier` is the command `nocarrier`."""

from nocarrier.cli.main import main

if __name__ == "__main__":
    main()
