"""What every script of the other side does, whatever its framework: arguments, the timed steps, the JSON.

A framework has a class. Its object is made from the arguments and has

    start_rss     the peak memory before there is a model
    check()       loss, gradient norm and later loss under vaelab's weights, as a dict; then it is as before
    step(i)       makes training step i and returns its loss
    compiled()    how many programs were compiled so far, or 0
    describe()    version, kernel and threads, as a dict

Needs no package.
"""

import time

SCRIPT_START = time.time()

import argparse
import json
import math
import platform
import re
import sys
from types import SimpleNamespace

CLIP = 5.0
CHECK_STEPS = 3
CHECK_LR = 0.1


class Missing(Exception):
    """What a configuration needs and does not find."""


def read_safetensors(path):
    """Type, shape and bytes of each tensor, by name: 8 bytes of header length, a JSON header, the numbers."""
    with open(path, "rb") as f:
        raw = bytearray(f.read())
    body = 8 + int.from_bytes(raw[:8], "little")
    for name, t in json.loads(raw[8:body]).items():
        if name != "__metadata__":
            start, end = t["data_offsets"]
            yield name, t["dtype"], t["shape"], memoryview(raw)[body + start : body + end]


def peak_rss_bytes():
    """Largest resident memory so far of this process."""
    try:
        with open("/proc/self/status") as f:
            return int(re.search(r"VmHWM:\s*(\d+)", f.read()).group(1)) * 1024
    except (OSError, AttributeError):
        pass
    try:
        import resource
    except ImportError:
        return 0
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else peak * 1024


def train(side, args):
    result = side.describe()
    if args.weights:
        result["check"] = side.check()
    made = 0
    while True:  # until no step compiles anything
        before = side.compiled()
        side.step(made)
        made += 1
        if made == 1:
            result["seconds_to_first_step"] = time.time() - args.started
        if made >= args.warmup and side.compiled() == before:
            break
    if args.wait:  # for the start of the timed part
        print("ready", flush=True)
        sys.stdin.readline()
    steps, loss = 0, 0.0
    start, cpu = time.perf_counter(), time.process_time()
    while True:
        loss = side.step(made + steps)
        steps += 1
        elapsed = time.perf_counter() - start
        if (steps == args.steps) if args.steps else (steps >= 2 and elapsed >= args.seconds):
            break
    result["cpu_seconds"] = time.process_time() - cpu
    if not math.isfinite(loss):
        sys.exit(f"the loss became {loss}")
    result["tokens_per_second"] = steps * args.size.tokens / elapsed
    result["tokens"], result["steps"], result["loss"] = steps * args.size.tokens, steps, loss
    result["start_rss_bytes"], result["peak_rss_bytes"] = side.start_rss, peak_rss_bytes()
    return result


def settings(text):
    return SimpleNamespace(**json.loads(text))


def main(Side, doc):
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--size", type=settings, required=True, help="JSON: the model's settings, its data and its batch")
    parser.add_argument("--data", required=True, help="safetensors file with examples, one a row")
    parser.add_argument("--weights", help="safetensors file with parameters; with it the check comes first")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--matmul", choices=["highest", "high", "medium"], default="highest", help="how float32 products may round")
    parser.add_argument("--compile", action="store_true")
    parser.add_argument("--autocast", action="store_true", help="products in bfloat16, parameters in float32")
    parser.add_argument("--optimizer", choices=["sgd", "adam"], default="sgd")
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--warmup", type=int, default=2, help="steps before the timed ones, at least 1")
    parser.add_argument("--seconds", type=float, default=5, help="timed steps run about this long, two at least")
    parser.add_argument("--steps", type=int, default=0, help="number of timed steps, instead of a time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--started", type=float, default=SCRIPT_START, help="Unix time of the process start")
    parser.add_argument("--wait", action="store_true", help='print "ready" and wait for a line before the timed part')
    args = parser.parse_args()
    try:
        result = train(Side(args), args)
    except Missing as missing:
        result = {"missing": str(missing)}
    print(json.dumps(result))
