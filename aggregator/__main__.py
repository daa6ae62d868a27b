"""`python -m aggregator`: the same as the installed command."""

from aggregator.cli import main

if __name__ == "__main__":
    raise SystemExit(main())
