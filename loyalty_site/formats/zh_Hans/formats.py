"""Where shops in China write numbers otherwise than Django's own file has it: 1,234.00, not 1234.00."""

THOUSAND_SEPARATOR = ","
NUMBER_GROUPING = 3
