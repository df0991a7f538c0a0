"""Writes steps_float64.json beside the references of TestGoldenSteps: 30 steps of SGD in float64.

    python3 steps_float64.py lstm_vanilla lstm_bn        # needs torch; made with 1.13

The model is that of lstm_vae.py in bench/peer, written anew on functions, with batch normalisation
of mu: gamma fixed, beta learnt, eps 1e-5, momentum 0.1. z is mu, the KL weight is 1, the rate 0.5, the
gradient's norm is clipped at 5, and the vector of the last word does not move in the decoder
(padding_idx=-1).
"""

import json
import struct
import sys

import torch
import torch.nn.functional as F

torch.set_default_dtype(torch.float64)


def read(path):
    """The tensors of a safetensors file of float32 (and a counter), in float64."""
    with open(path, "rb") as f:
        raw = f.read()
    n = struct.unpack("<Q", raw[:8])[0]
    out = {}
    for name, t in json.loads(raw[8 : 8 + n]).items():
        if name == "__metadata__" or t["dtype"] != "F32":
            continue
        a, b = t["data_offsets"]
        numbers = struct.unpack("<%df" % ((b - a) // 4), raw[8 + n + a : 8 + n + b])
        out[name] = torch.tensor(numbers).reshape(t["shape"])
    return out


def lstm(w, prefix, x, h, c):
    """x (T, B, E); returns all h, (T, B, H). Gates in PyTorch's order: i, f, g, o."""
    states = []
    for step in x:
        gates = (step @ w[prefix + ".weight_ih_l0"].T + w[prefix + ".bias_ih_l0"]
                 + h @ w[prefix + ".weight_hh_l0"].T + w[prefix + ".bias_hh_l0"])
        i, f, g, o = gates.chunk(4, dim=1)
        c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
        h = torch.sigmoid(o) * torch.tanh(c)
        states.append(h)
    return torch.stack(states)


def loss(w, x):
    """The mean over a batch x, (T+1, B), of -ln p(x|mu) + KL. It moves the running statistics."""
    zero = torch.zeros(x.shape[1], w["encoder.lstm.weight_hh_l0"].shape[1])
    last = lstm(w, "encoder.lstm", w["encoder.embed.weight"][x], zero, zero)[-1]
    mu, logvar = (last @ w["encoder.linear.weight"].T).chunk(2, dim=1)
    if "encoder.mu_bn.bias" in w:
        mean, var = mu.mean(0), mu.var(0, unbiased=False)
        with torch.no_grad():
            w["encoder.mu_bn.running_mean"] += 0.1 * (mean - w["encoder.mu_bn.running_mean"])
            w["encoder.mu_bn.running_var"] += 0.1 * (mu.var(0, unbiased=True) - w["encoder.mu_bn.running_var"])
        mu = (mu - mean) / torch.sqrt(var + 1e-5) * w["encoder.mu_bn.weight"] + w["encoder.mu_bn.bias"]
    kl = 0.5 * (mu**2 + logvar.exp() - logvar - 1).sum(1)
    c = mu @ w["decoder.trans_linear.weight"].T
    words = w["decoder.embed.weight"][x[:-1]]
    inputs = torch.cat((words, mu.expand(len(words), -1, -1)), dim=2)
    logits = lstm(w, "decoder.lstm", inputs, torch.tanh(c), c) @ w["decoder.pred_linear.weight"].T
    rec = F.cross_entropy(logits.flatten(0, 1), x[1:].flatten(), reduction="none").view(len(words), -1).sum(0)
    return (rec + kl).mean()


def steps(folder):
    with open(folder + "/reference.json") as f:
        reference = json.load(f)
    batches = [torch.tensor(b).T for b in reference["batches"]]
    w = read(folder + "/model.safetensors")
    fixed = ("mu_bn.weight", "running_mean", "running_var")
    learnt = [name for name in w if not name.endswith(fixed)]
    out = {"loss": [], "grad_norm": []}
    for step in range(30):
        for name in learnt:
            w[name] = w[name].detach().requires_grad_()
        value = loss(w, batches[step % 3])
        grads = dict(zip(learnt, torch.autograd.grad(value, [w[name] for name in learnt])))
        grads["decoder.embed.weight"][-1] = 0
        norm = torch.sqrt(sum((g**2).sum() for g in grads.values())).item()
        out["loss"].append(value.item())
        out["grad_norm"].append(norm)
        for name, g in grads.items():
            w[name] = w[name].detach() - 0.5 * g * min(1, 5 / (norm + 1e-6))
    for name, key in (("running_mean",) * 2, ("running_var",) * 2, ("bias", "beta")):
        if "encoder.mu_bn.bias" in w:
            out[key] = w["encoder.mu_bn." + name].tolist()
    return out


for folder in sys.argv[1:]:
    with open(folder + "/steps_float64.json", "w") as f:
        json.dump(steps(folder), f)
        f.write("\n")
