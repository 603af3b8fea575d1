"""`python -m graphdsl`: the command line without the script."""

from graphdsl.cli import main

if __name__ == "__main__":
    main()
