"""What this program reaches beside what the machine allows.

Only ratios count: in each round the limit and this program take turns on the same server, so that whatever else the
machine is doing slows both down. A file of `scenarios/` measures one kind of work.
"""
