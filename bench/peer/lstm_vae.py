"""The LSTM text VAE of internal/models/lstm.go on PyTorch, to compare speed with.

    encoder   mu, logvar = W h_T,  h = LSTM(embed x)                          no bias
    decoder   c_0 = W z,  h_0 = tanh c_0,  h = LSTM([embed x_t; z])
              ln p(x_{t+1} | x_{1..t}, z) = ln softmax(W h_t)                 no biases
    loss      mean over the batch of  -ln p(x|z) + KL(q(z|x) || N(0, I)),     nats

Parameters have the names and layouts that vaelab saves. Tensors are time-major, the layout
that torch.nn.LSTM computes in. Needs torch and nothing else.
"""

import time

SCRIPT_START = time.time()

import argparse
import json
import math
import platform
import re
import sys

import torch
import torch.nn as nn
import torch.nn.functional as F

DTYPES = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64}
CLIP = 5.0


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


class Encoder(nn.Module):
    def __init__(self, V, E, H, D):
        super().__init__()
        self.embed = nn.Embedding(V, E)
        self.lstm = nn.LSTM(E, H)
        self.linear = nn.Linear(H, 2 * D, bias=False)

    def forward(self, x):  # (T+1, B)
        _, (h, _) = self.lstm(self.embed(x))  # (1, B, H)
        return self.linear(h[0]).chunk(2, dim=1)  # (B, D) each


class Decoder(nn.Module):
    def __init__(self, V, E, H, D):
        super().__init__()
        self.embed = nn.Embedding(V, E)
        self.trans_linear = nn.Linear(D, H, bias=False)
        self.lstm = nn.LSTM(E + D, H)
        self.pred_linear = nn.Linear(H, V, bias=False)

    def forward(self, z, x):
        """-ln p(x|z) summed over the batch; z (B, D), x (T+1, B)."""
        words = self.embed(x[:-1])  # (T, B, E)
        told = z.unsqueeze(0).expand(words.size(0), -1, -1)  # (T, B, D)
        c0 = self.trans_linear(z).unsqueeze(0)  # (1, B, H)
        h, _ = self.lstm(torch.cat((words, told), dim=2), (torch.tanh(c0), c0))  # (T, B, H)
        logits = self.pred_linear(h)  # (T, B, V)
        return F.cross_entropy(logits.flatten(0, 1), x[1:].flatten(), reduction="sum")


class VAE(nn.Module):
    def __init__(self, V, E, H, D):
        super().__init__()
        self.encoder = Encoder(V, E, H, D)
        self.decoder = Decoder(V, E, H, D)
        for name, p in self.named_parameters():  # init he19 of vaelab
            bound = 0.1 if name.endswith("embed.weight") else 0.01
            nn.init.uniform_(p, -bound, bound)

    def forward(self, x, sample):
        """The loss of a batch x (T+1, B); without sampling z is mu."""
        mu, logvar = self.encoder(x)  # (B, D)
        z = mu
        if sample:
            z = mu + torch.exp(0.5 * logvar) * torch.randn_like(mu)
        kl = 0.5 * (mu.square() + logvar.exp() - logvar - 1).sum()
        return (self.decoder(z, x) + kl) / x.size(1)


def load_batches(path, B):
    """All batches of the file, each (T+1, B); its rows are sentences of one length."""
    rows = read_safetensors(path)["tokens"]  # (batches * B, T+1)
    return [part.t().contiguous() for part in rows.split(B)]


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


def check(args):
    model = VAE(args.vocab, args.embed, args.hidden, args.latent)
    weights = read_safetensors(args.weights)
    model.load_state_dict({name: w.float() for name, w in weights.items()})
    loss = model(load_batches(args.tokens, args.batch)[0], sample=False)
    loss.backward()
    squares = sum(p.grad.double().square().sum().item() for p in model.parameters())
    return {"loss": loss.item(), "grad_norm": math.sqrt(squares)}


def train(args):
    torch.manual_seed(args.seed)
    model = VAE(args.vocab, args.embed, args.hidden, args.latent)
    params = list(model.parameters())
    optimizer = make_optimizer(args.optimizer, params, args.lr)
    batches = load_batches(args.tokens, args.batch)

    def step(i):
        optimizer.zero_grad()
        loss = model(batches[i % len(batches)], sample=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(params, CLIP)
        optimizer.step()
        return loss.item()

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
        loss = step(args.warmup + steps)
        steps += 1
        elapsed = time.perf_counter() - start
        if (steps == args.steps) if args.steps else (steps >= 2 and elapsed >= args.seconds):
            break
    if not math.isfinite(loss):
        sys.exit(f"the loss became {loss}")
    tokens = steps * batches[0].size(1) * (batches[0].size(0) - 1)
    return {
        "tokens_per_second": tokens / elapsed,
        "steps": steps,
        "loss": loss,
        "threads": torch.get_num_threads(),
        "version": "torch " + torch.__version__,
        "kernel": blas(),
        "peak_rss_bytes": peak_rss_bytes(),
        "start_rss_bytes": args.start_rss,
        "seconds_to_first_step": first,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("mode", choices=["check", "train"])
    for size in ("vocab", "embed", "hidden", "latent", "batch"):
        parser.add_argument("--" + size, type=int, required=True)
    parser.add_argument("--tokens", required=True, help="safetensors file with sentences, (n, T+1)")
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
    print(json.dumps(check(args) if args.mode == "check" else train(args)))


if __name__ == "__main__":
    main()
