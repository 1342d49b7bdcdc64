"""Write the points of a folder's pictures: python -m examples.folder_to_parquet FOLDER OUT.

OUT ends in .parquet (needs pandas and pyarrow) or .ndjson. For folders of any size, which are gone
on with after a stop: `python -m client FOLDER --out points.ndjson`.
"""

import json
import sys
from pathlib import Path

from client import Client, to_dataframe

folder, out = map(Path, sys.argv[1:])
pictures = sorted(path for path in folder.iterdir() if path.suffix.lower() in (".jpg", ".png"))
with Client() as client:
    results = client.locate_many(pictures)  # in their order, some at once
    if out.suffix == ".parquet":
        to_dataframe(results).to_parquet(out)  # a row for each point
    else:
        with out.open("w") as file:
            file.writelines(f"{json.dumps(result.to_dict())}\n" for result in results)
