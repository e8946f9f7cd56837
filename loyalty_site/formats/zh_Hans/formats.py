"""Where Django's own file for Chinese falls short.

Shops write 1,234.00, not 1234.00, and 9月5日, not 09月5日. A browser's date field takes the ISO form alone, so it comes
first; Django's forms with 年月日 hold directives that `strptime` does not know.
"""

THOUSAND_SEPARATOR = ","
NUMBER_GROUPING = 3
MONTH_DAY_FORMAT = "n月j日"
DATE_INPUT_FORMATS = ["%Y-%m-%d", "%Y/%m/%d", "%Y年%m月%d日"]
DATETIME_INPUT_FORMATS = [
    f"{date} {time}" for date in DATE_INPUT_FORMATS for time in ("%H:%M:%S", "%H:%M", "%H:%M:%S.%f")
]
