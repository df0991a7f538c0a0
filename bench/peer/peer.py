"""PyTorch's side of the comparison, whatever the model: the configurations, the check, the steps.

A model is an nn.Module made from the settings that vaelab gives, with three methods:

    layout(rows)        a batch as forward wants it, from rows of the file, (B, T+1) or (B, P)
    forward(x, eps)     the loss of a batch in nats; eps (B, D) is N(0, I), or 0 for z = mu
    load(weights)       takes vaelab's parameters over, whose names and layouts may differ

Needs torch and nothing else.
"""

import process  # first: it notes when the process began

import contextlib
import re

import torch
import torch.nn as nn

DTYPES = {"F32": torch.float32, "F64": torch.float64, "I64": torch.int64}


class Model(nn.Module):
    """What the models share."""

    def load(self, weights):
        self.load_state_dict(weights)

    def layout(self, rows):
        return rows

    def sample(self, mu, logvar, eps):
        """z, and the KL summed over the batch; all (B, D)."""
        z = mu + torch.exp(0.5 * logvar) * eps
        return z, 0.5 * (mu.square() + logvar.exp() - logvar - 1).sum()


def tensors(path):
    return {
        name: torch.frombuffer(raw, dtype=DTYPES[dtype]).reshape(shape)
        for name, dtype, shape, raw in process.read_safetensors(path)
    }


def make_optimizer(name, params, lr):
    kind = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}[name]
    try:
        return kind(params, lr=lr, fused=True)  # one pass over each parameter, where it exists
    except (TypeError, RuntimeError):
        return kind(params, lr=lr)


def blas():
    """What PyTorch's products run on, from its own account of its build."""
    text = torch.__config__.show()
    parts = re.findall(r"BLAS_INFO=(\w+)", text)
    parts += re.findall(r"Math Kernel Library Version ([\w.]+)", text)
    parts += re.findall(r"(MKL-DNN v[\w.]+)", text)
    parts += re.findall(r"CPU capability usage: (\w+)", text)
    return " ".join(parts)


def compiled_model(model):
    """The model behind torch.compile, if it and a C++ compiler are there."""
    if not hasattr(torch, "compile"):
        raise process.Missing(f"torch {torch.__version__} has no torch.compile")
    try:
        from torch._inductor.cpp_builder import get_cpp_compiler

        get_cpp_compiler()
    except ImportError:
        pass  # a version that says so in its first step
    except Exception:
        raise process.Missing("no C++ compiler for torch.compile")
    return torch.compile(model, dynamic=False)


class Side:
    def __init__(self, Model, args):
        self.start_rss = process.peak_rss_bytes()
        torch.set_num_threads(args.threads)
        torch.set_flush_denormal(True)  # else gradients that fade over a long sentence cost it a tenth of its speed
        torch.set_float32_matmul_precision(args.matmul)
        torch.manual_seed(args.seed)
        self.args = args
        self.model = Model(args.size)
        self.params = list(self.model.parameters())
        self.forward = compiled_model(self.model) if args.compile else self.model
        self.optimizer = make_optimizer(args.optimizer, self.params, args.lr)
        rows = tensors(args.data)["examples"]
        self.batches = [self.model.layout(part) for part in rows.split(args.size.batch)]

    def products(self):
        """The context that gives products their precision."""
        return torch.autocast("cpu", dtype=torch.bfloat16) if self.args.autocast else contextlib.nullcontext()

    def product_error(self):
        """The relative error of a product, in the Frobenius norm: about 3e-7 in float32, 2e-3 in bf16."""
        a, b = torch.randn(2, 256, 256, generator=torch.Generator().manual_seed(1))
        exact = a.double() @ b.double()
        with self.products():
            error = (a @ b).double() - exact
        return (error.norm() / exact.norm()).item()

    def loss(self, i, eps):
        with self.products():
            return self.forward(self.batches[i % len(self.batches)], eps)

    def update(self, optimizer, i, eps):
        """The loss before the step and the gradient's norm before clipping."""
        optimizer.zero_grad()
        loss = self.loss(i, eps)
        loss.backward()
        norm = nn.utils.clip_grad_norm_(self.params, process.CLIP)
        optimizer.step()
        return loss.item(), norm

    def step(self, i):
        return self.update(self.optimizer, i, torch.randn(self.args.size.batch, self.args.size.latent_dim))[0]

    def check(self):
        initial = {name: t.clone() for name, t in self.model.state_dict().items()}
        self.model.load({name: w.float() for name, w in tensors(self.args.weights).items()})
        optimizer = make_optimizer("sgd", self.params, process.CHECK_LR)
        mean = torch.zeros(self.args.size.batch, self.args.size.latent_dim)
        steps = [self.update(optimizer, i, mean) for i in range(process.CHECK_STEPS)]
        later = self.loss(process.CHECK_STEPS, mean).item()
        self.model.load_state_dict(initial)
        return {"loss": steps[0][0], "grad_norm": steps[0][1].item(), "later_loss": later, "product_error": self.product_error()}

    def compiled(self):
        if not self.args.compile:
            return 0
        from torch._dynamo.utils import counters

        return counters["stats"]["unique_graphs"]

    def describe(self):
        return {"threads": torch.get_num_threads(), "version": "torch " + torch.__version__, "kernel": blas()}


def main(Model, doc):
    process.main(lambda args: Side(Model, args), doc)
