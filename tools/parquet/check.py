"""Compare what `vaelab export` writes with the rows of trials, by the readers of other programs.

    python check.py VAELAB RESULTS

Every number of rows.jsonl has to be in the CSV, the lines of JSON and the Parquet files, with its step and to the bit, and no
other number. pyarrow and DuckDB read the Parquet files. The same holds for made-up trials whose names and numbers are hard.
"""

import collections
import csv
import glob
import json
import math
import os
import struct
import subprocess
import sys
import tempfile

import duckdb
import pyarrow
import pyarrow.parquet

FRONT = ["experiment", "trial", "variant", "seed"]

HARD = {  # settings and rows that writers get wrong
    "variant.bn.gamma": 'a,"b"\nc',
    "note": "γ, \t\r\n\u202e'x'",
}
HARD_ROWS = [
    {"step": 1, "epoch": 0.5, "split": "train", "values": {"kl": None, "a,b\n\"c\"": -0.0, "µ.ν": 5e-324}, "vectors": {"kl_dim": [1, None]}},
    {"step": 9007199254740993, "epoch": 1, "split": "train", "values": {"kl": 1.7976931348623157e308, " ": 0.1}},
    {"step": 3, "epoch": 1, "split": "a,b", "values": {"kl": -1e-300}},
    {"step": 3, "epoch": 1, "split": "valid", "values": {}},
]


def bits(x):
    """Return the bits of a number, the same for every NaN."""
    return "nan" if x is None or math.isnan(x) else struct.pack("<d", x)


def measured(results):
    """Return how often each number is in the rows.jsonl of trials: {(trial, step, split, metric, bits): times}."""
    found = collections.Counter()
    for path in glob.glob(os.path.join(results, "**", "rows.jsonl"), recursive=True):
        trial = json.load(open(os.path.join(os.path.dirname(path), "trial.json")))
        for line in open(path):
            row = json.loads(line, parse_int=lambda text: int(text) if text != "-0" else -0.0)
            key = trial["experiment"], trial["id"], row["step"], row["split"]
            for metric, x in row["values"].items():
                found[key + (metric, bits(x))] += 1
            for vector, numbers in row.get("vectors", {}).items():
                for i, x in enumerate(numbers):
                    found[key + (f"{vector}/{i}", bits(x))] += 1
    assert found, results + " has no rows"
    return found


def long(rows):
    """Return the same of rows of a long table."""
    return collections.Counter((r["experiment"], r["trial"], int(r["step"]), r["split"], r["metric"],
                                bits(None if r["value"] is None else float(r["value"]))) for r in rows)


def wide(rows, settings, missing=True):
    """Return the same of rows of a wide table. None is missing, or else NaN."""
    rest = set(FRONT + settings + ["step", "split"])
    return collections.Counter((r["experiment"], r["trial"], r["step"], r["split"], metric, bits(x))
                               for r in rows for metric, x in r.items() if metric not in rest and not (missing and x is None))


def same(what, got, want):
    assert got == want, (what, list((got - want).items())[:3], list((want - got).items())[:3])


def duck(path):
    """Return the rows of a Parquet file as DuckDB reads them."""
    found = duckdb.sql(f"select * from '{path}'")
    return [dict(zip(found.columns, row)) for row in found.fetchall()]


def check(vaelab, results, out):
    def export(name, *flags):
        path = os.path.join(out, name)
        subprocess.run([vaelab, "export", results, "-o", path, *flags], check=True, stderr=subprocess.DEVNULL)
        return path

    want = measured(results)
    scalars = collections.Counter({key: n for key, n in want.items() if "/" not in key[4]})
    same("CSV", long(csv.DictReader(open(export("rows.csv"), newline=""))), want)
    same("JSON", long(map(json.loads, open(export("rows.jsonl")))), want)

    path = export("rows.parquet")
    table = pyarrow.parquet.read_table(path)
    settings = table.column_names[len(FRONT):-4]
    assert table.column_names == FRONT + settings + ["step", "split", "metric", "value"], table.column_names
    types = {"seed": pyarrow.int64(), "step": pyarrow.int64(), "value": pyarrow.float64()}
    for field in table.schema:
        assert field.type == types.get(field.name, pyarrow.string()), field
        assert field.nullable == (field.name in settings), field
    same("pyarrow", long(table.to_pylist()), want)
    same("DuckDB", long(duck(path)), want)
    chunks = pyarrow.parquet.ParquetFile(path).metadata.row_group(0)
    for i in range(chunks.num_columns):
        chunk = chunks.column(i)
        assert chunk.compression == "ZSTD", chunk
        assert (chunk.physical_type == "BYTE_ARRAY") == ("RLE_DICTIONARY" in chunk.encodings), chunk
    # Readers skip row groups by bounds of their numbers, and DuckDB forgets NaN then.
    values = [x for x in table["value"].to_pylist() if not math.isnan(x)]
    for x in sorted(values)[:: max(1, len(values) // 20)]:
        (got,), = duckdb.sql(f"select count(*) from '{path}' where value <= {x!r}::double").fetchall()
        assert got == sum(v <= x for v in values), (x, got)

    path = export("wide.parquet", "--wide")
    table = pyarrow.parquet.read_table(path)
    for field in table.schema:
        front = field.name in FRONT + ["step", "split"]
        assert front or field.nullable and field.type in (pyarrow.string(), pyarrow.float64()), field
    same("wide, pyarrow", wide(table.to_pylist(), settings), scalars)
    same("wide, DuckDB", wide(duck(path), settings), scalars)
    same("wide JSON", wide(map(json.loads, open(export("wide.jsonl", "--wide"))), settings, missing=False), scalars)
    vectors = {key[4].split("/")[0] for key in want if "/" in key[4]}
    names = [flag for vector in sorted(vectors) for flag in ("--metric", vector)]
    table = pyarrow.parquet.read_table(export("vectors.parquet", "--wide", *names))
    same("vectors", wide(table.to_pylist(), settings), want - scalars)
    return sum(want.values())


def main(vaelab, results):
    with tempfile.TemporaryDirectory() as out:
        count = check(vaelab, results, out)
        hard = os.path.join(out, "hard")
        for seed, gamma in enumerate(["1", HARD["variant.bn.gamma"]]):
            folder = os.path.join(hard, "x,y", f"bn-{seed:08x}", "seed-1")
            os.makedirs(folder)
            trial = {"format": 2, "experiment": "x,y", "id": f"bn-{seed:08x}/seed-1", "variant": "bn", "seed": 1,
                     "config": {**HARD, "variant.bn.gamma": gamma, "note": HARD["note"] * seed}}
            json.dump(trial, open(os.path.join(folder, "trial.json"), "w"))
            with open(os.path.join(folder, "rows.jsonl"), "w") as rows:
                for row in HARD_ROWS:
                    rows.write(json.dumps(row, separators=(",", ":")) + "\n")
        count += check(vaelab, hard, out)
    print(count, "numbers: the same in rows.jsonl, CSV, JSON and Parquet, as pyarrow and DuckDB read them")


if __name__ == "__main__":
    main(*sys.argv[1:])
