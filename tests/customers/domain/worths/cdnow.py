"""A tenth of the customers who first bought at CDNOW in the first quarter of 1997, with all they bought until June 1998
(cdnow.csv in the import's format; data of P. Fader and B. Hardie, brucehardie.com/datasets)."""

from pathlib import Path

from customers.domain.recommendations import files
from customers.domain.worths import evaluation

FILE = Path(__file__).with_name("cdnow.csv")


def days():
    bought = files.read(FILE)
    receipt = bought.line_receipt
    return evaluation.gathered(bought.customer[receipt], bought.day[receipt], bought.amount)
