"""The size and the date of a file in the output of sftp's `ls -ln`, in UTC and in English.

sftp prints `-rw-r--r--    1 1000  1000  2048 Nov 23 12:00 data.nc` for a file, and the year instead
of the time for one that is older than half a year (OpenSSH, sftp-common.c, `ls_file`).
"""

import datetime
import re

LINE = re.compile(
    r"(?P<mode>[-dlrwxsStT]{10})\S?\s+\S+\s+\S+\s+\S+\s+(?P<size>\d+)"
    r"\s(?P<month>[A-Z][a-z]{2})\s+(?P<day>\d{1,2})\s+(?P<last>\d{2}:\d{2}|\d{4})\s(?P<path>.+)"
)
MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")


def parse_listing(output: str, path: str, asked: datetime.datetime) -> tuple[int, str] | None:
    """Return the size of a file, and its day or its time to the minute; None for a folder."""
    found = [line for line in map(LINE.fullmatch, output.splitlines()) if line]
    if len(found) != 1 or found[0]["path"] != path or found[0]["mode"][0] != "-":
        return None
    line = found[0]
    month, day = MONTHS.index(line["month"]) + 1, int(line["day"])
    if ":" not in line["last"]:
        return int(line["size"]), f"{int(line['last'])}-{month:02}-{day:02}"
    is_past = (month, day) <= (asked.month, asked.day)
    year = asked.year if is_past else asked.year - 1
    return int(line["size"]), f"{year}-{month:02}-{day:02}T{line['last']}Z"
