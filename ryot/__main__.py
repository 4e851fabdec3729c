"""`python -m ryot`: the same as `ryot`."""

from ryot.cli.main import main

if __name__ == "__main__":
    main()
