"""What a customer may like: what they buy again and again, and what people who buy the same take too.

`baskets` holds purchases as columns, `habits` counts them by customer and product, `crowd` knows what a product is to
everybody, `likeness` which products are bought by the same people, `features` puts the three side by side, and `choice`
learns from past baskets how much each tells about the next one. `model` does all this for one history of purchases.
None of them knows the database. `evaluation` measures a model on a file (`files`) beside simple rules (`baselines`).
`lists` makes, stores and reads the customers' lists.

Nothing here but `lists` may be imported when a web process starts: numpy and scipy are heavy.
"""

import os

# Before numpy is loaded: sums come out the same each time, and the other cores stay with the site.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
