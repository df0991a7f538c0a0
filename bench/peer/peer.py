"""PyTorch's side of the comparison, whatever the model: files, the check, the timed steps.

A model is an nn.Module made from the settings that vaelab gives, with three methods:

    layout(rows)          a batch as forward wants it, from rows of the file, (B, T+1) or (B, P)
    forward(x, sample)    the loss of a batch in nats; without sampling z is mu
    load(weights)         takes vaelab's parameters over, whose names and layouts may differ

Needs torch and nothing else.
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

import torch
import torch.nn as nn

DTYPES = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64}
CLIP = 5.0
CHECK_STEPS = 3
CHECK_LR = 0.1


class Model(nn.Module):
    """What the models share."""

    def load(self, weights):
        self.load_state_dict(weights)

    def layout(self, rows):
        return rows

    def sample(self, mu, logvar, sample):
        """z, and the KL summed over the batch; mu and logvar (B, D)."""
        z = mu
        if sample:
            z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        return z, 0.5 * (mu.square() + logvar.exp() - logvar - 1).sum()


def read_safetensors(path):
    """Tensors by name: 8 bytes of header length, a JSON header, the numbers."""
    with open(path, "rb") as f:
        raw = bytearray(f.read())
    body = 8 + int.from_bytes(raw[:8], "little")
    tensors = {}
    for name, t in json.loads(raw[8:body]).items():
        if name == "__metadata__":
            continue
        flat = torch.frombuffer(
            raw, dtype=DTYPES[t["dtype"]], count=math.prod(t["shape"]), offset=body + t["data_offsets"][0]
        )
        tensors[name] = flat.reshape(t["shape"])
    return tensors


def load_batches(model, args):
    """All batches of the file."""
    rows = read_safetensors(args.data)["examples"]
    return [model.layout(part) for part in rows.split(args.size.batch)]


def make_optimizer(name, params, lr):
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[name]
    try:
        return kind(params, lr=lr, fused=True)  # one pass over each parameter, where it exists
    except (TypeError, RuntimeError):
        return kind(params, lr=lr)


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


def blas():
    """What PyTorch's products run on, from its own account of its build."""
    text = torch.__config__.show()
    parts = re.findall(r"BLAS_INFO=(\w+)", text)
    parts += re.findall(r"Math Kernel Library Version ([\w.]+)", text)
    parts += re.findall(r"(MKL-DNN v[\w.]+)", text)
    parts += re.findall(r"CPU capability usage: (\w+)", text)
    return " ".join(parts)


def make_step(model, optimizer, batches, sample):
    """A function that makes step i and returns its loss and the gradient's norm before clipping."""
    params = list(model.parameters())

    def step(i):
        optimizer.zero_grad()
        loss = model(batches[i % len(batches)], sample)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(params, CLIP)
        optimizer.step()
        return loss.item(), norm

    return step


def check(Model, args):
    model = Model(args.size)
    model.load({name: w.float() for name, w in read_safetensors(args.weights).items()})
    optimizer = make_optimizer("sgd", model.parameters(), CHECK_LR)
    batches = load_batches(model, args)
    step = make_step(model, optimizer, batches, sample=False)
    steps = [step(i) for i in range(CHECK_STEPS)]
    later = model(batches[CHECK_STEPS], sample=False)
    return {"loss": steps[0][0], "grad_norm": steps[0][1].item(), "later_loss": later.item()}


def train(Model, args):
    torch.manual_seed(args.seed)
    model = Model(args.size)
    optimizer = make_optimizer(args.optimizer, model.parameters(), args.lr)
    step = make_step(model, optimizer, load_batches(model, args), sample=True)
    first = 0.0
    for i in range(args.warmup):
        step(i)
        first = first or time.time() - args.started
    if args.wait:  # for the start of the timed part
        print("ready", flush=True)
        sys.stdin.readline()
    steps, loss = 0, 0.0
    start = time.perf_counter()
    while True:
        loss, _ = step(args.warmup + steps)
        steps += 1
        elapsed = time.perf_counter() - start
        if (steps == args.steps) if args.steps else (steps >= 2 and elapsed >= args.seconds):
            break
    if not math.isfinite(loss):
        sys.exit(f"the loss became {loss}")
    return {
        "tokens_per_second": steps * args.size.tokens / elapsed,
        "steps": steps,
        "loss": loss,
        "threads": torch.get_num_threads(),
        "version": "torch " + torch.__version__,
        "kernel": blas(),
        "peak_rss_bytes": peak_rss_bytes(),
        "start_rss_bytes": args.start_rss,
        "seconds_to_first_step": first,
    }


def settings(text):
    return SimpleNamespace(**json.loads(text))


def main(Model, doc):
    parser = argparse.ArgumentParser(description=doc, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=["check", "train"])
    parser.add_argument("--size", type=settings, required=True, help="JSON: the model's settings, its data and its batch")
    parser.add_argument("--data", required=True, help="safetensors file with examples, one a row")
    parser.add_argument("--weights", help="check: safetensors file with the parameters")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--optimizer", choices=["sgd", "adam"], default="sgd")
    parser.add_argument("--lr", type=float, default=0.1)
    parser.add_argument("--warmup", type=int, default=2, help="steps before the timed ones, at least 1")
    parser.add_argument("--seconds", type=float, default=5, help="timed steps run about this long, two at least")
    parser.add_argument("--steps", type=int, default=0, help="number of timed steps, instead of a time")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--started", type=float, default=SCRIPT_START, help="Unix time of the process start")
    parser.add_argument("--wait", action="store_true", help='print "ready" and wait for a line before the timed part')
    args = parser.parse_args()
    args.start_rss = peak_rss_bytes()
    torch.set_num_threads(args.threads)
    print(json.dumps(check(Model, args) if args.mode == "check" else train(Model, args)))
