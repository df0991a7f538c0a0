"""Compare the event files of `vaelab export --tensorboard FOLDER` with the CSV of `vaelab export`, by TensorBoard's own reader.

    python check.py FOLDER CSV

Every number of every run has to come back, as the float32 nearest to it, with its step, and no other number.
"""

import collections
import csv
import math
import os
import sys

import numpy
from tensorboard.backend.event_processing import event_accumulator
from tensorboard.plugins.hparams import metadata
from tensorboard.util import tensor_util


def events(folder):
    """Return the reader of one run, which has read everything."""
    everything = {event_accumulator.SCALARS: 0, event_accumulator.TENSORS: 0}
    reader = event_accumulator.EventAccumulator(folder, size_guidance=everything)
    reader.Reload()
    return reader


def numbers(reader):
    """Return {(tag, step): number}. TensorBoard turns scalars into tensors when it reads them."""
    found = {(tag, e.step): e.value for tag in reader.Tags()["scalars"] for e in reader.Scalars(tag)}
    for tag in reader.Tags()["tensors"]:
        if not tag.startswith("_hparams_"):
            for e in reader.Tensors(tag):
                found[tag, e.step] = tensor_util.make_ndarray(e.tensor_proto).item()
    return found


def same(a, b):
    a, b = numpy.float32(a), numpy.float32(b)
    return a == b or math.isnan(a) and math.isnan(b)


def main(folder, table):
    runs, seeds, count = collections.defaultdict(dict), {}, 0
    for row in csv.DictReader(open(table)):
        run = row["experiment"] + "/" + row["trial"]
        seeds[run] = row["seed"]
        if "/" not in row["metric"]:  # an element of a vector
            runs[run][row["split"] + "/" + row["metric"], int(row["step"])] = float(row["value"])
    for run, want in runs.items():
        reader = events(os.path.join(folder, run))
        got = numbers(reader)
        assert got.keys() == want.keys(), (run, got.keys() ^ want.keys())
        for key, value in want.items():
            assert same(value, got[key]), (run, key, value, got[key])
        count += len(want)
        content = reader.SummaryMetadata("_hparams_/session_start_info").plugin_data.content
        settings = metadata.parse_session_start_info_plugin_data(content).hparams
        assert settings["seed"].number_value == int(seeds[run]), (run, settings)
    images = events(os.path.join(folder, "figures")).Tags()["images"]
    assert images, "no figure is there"
    print(len(runs), "runs,", count, "numbers,", len(images), "figures: as TensorBoard reads them")


if __name__ == "__main__":
    main(*sys.argv[1:])
