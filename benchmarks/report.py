"""The table that a run prints."""

from rich.console import Console
from rich.table import Table


class Report:
    """Each line is printed when it is measured, and all of them as a table at the end."""

    def __init__(self, title: str) -> None:
        self.table = Table("work", "measured", "beside it", "ratio", "reach", title=title, title_justify="left")

    def add(self, work: str, measured: str, beside: str = "", ratio: float | None = None, reach: str = "") -> None:
        share = "" if ratio is None else f"{ratio:.2f}"
        print(f"{work}: {measured}  {beside}  {share}  {reach}", flush=True)
        self.table.add_row(work, measured, beside, share, reach)

    def print(self) -> None:
        Console(width=140).print(self.table)
