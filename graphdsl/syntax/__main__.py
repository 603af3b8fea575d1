"""`python -m graphdsl.syntax`: bring the parse tables up to the grammar."""

from graphdsl.syntax.tables import update_tables

if __name__ == "__main__":
    update_tables()
