"""Reads many logs with one Python: the path of evlog_reader.py is given, then one folder in each line of the input.

Answers each folder with the lines of its log, and behind them `= 0`, `= 4` where there were gaps, or `= refused`.
"""

import importlib.util
import sys

spec = importlib.util.spec_from_file_location("evlog_reader", sys.argv[1])
evlog_reader = importlib.util.module_from_spec(spec)
spec.loader.exec_module(evlog_reader)

for folder in sys.stdin:
    try:
        outcome = str(evlog_reader.put_out(folder.rstrip("\n"), None))
    except evlog_reader.Refused:
        outcome = "refused"
    print("=", outcome, flush=True)
