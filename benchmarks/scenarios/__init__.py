"""One kind of work a file: `rows(site, scale)` yields its lines of the table."""
