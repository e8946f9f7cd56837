"""Bringing in files of purchases: one row a line of a receipt, any number of rows.

`reading` opens the file, `staging` copies it as text into tables of its own, `checking` finds what is wrong there and
forms receipts, `facts` books them by chunks of whole receipts, `returns` finds what goods brought back were bought
with, `report` names reasons and writes what was rejected. Everything after `reading` is SQL over sets (customers/sql).

A receipt is booked whole or not at all: half of one would be a wrong fact.
"""
