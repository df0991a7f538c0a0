"""The LSTM text VAE of lstm_vae.py in JAX, to compare speed with: a step is one jitted program, time a lax.scan.

Parameters have the names and layouts that vaelab saves. Tensors are time-major. Needs jax, optax and numpy.
"""

import process  # first: it notes when the process began

import os

DTYPES = {"F32": "float32", "F64": "float64", "I64": "int64"}


class Side:
    def __init__(self, args):
        os.environ["NPROC"] = str(args.threads)  # the size of XLA's pool of threads
        os.environ.setdefault("JAX_PLATFORMS", "cpu")
        try:
            import jax
            import numpy
            import optax
        except ImportError as e:
            raise process.Missing(f"{e.name} is not installed")
        jax.devices()
        self.start_rss = process.peak_rss_bytes()
        self.jax, self.numpy, self.optax, self.args = jax, numpy, optax, args
        rows = self.tensors(args.data)["examples"].astype("int32")
        parts = numpy.split(rows, len(rows) // args.size.batch)
        self.batches = [jax.device_put(numpy.ascontiguousarray(part.T)) for part in parts]  # (T+1, B)
        self.key = jax.random.key(args.seed)
        kind = {"sgd": optax.sgd, "adam": optax.adam}[args.optimizer]
        self.update, self.state = self.make_update(kind(args.lr), self.initial())
        shape = (args.size.batch, args.size.latent_dim)
        self.noise = jax.jit(lambda i: jax.random.normal(jax.random.fold_in(self.key, i), shape))

    def tensors(self, path):
        return {
            name: self.numpy.frombuffer(raw, dtype=DTYPES[dtype]).reshape(shape)
            for name, dtype, shape, raw in process.read_safetensors(path)
        }

    def initial(self):
        """init he19 of vaelab."""
        s = self.args.size
        V, E, D, H = s.vocab, s.embed_dim, s.latent_dim, s.enc_hidden
        shapes = {"encoder.linear.weight": (2 * D, H)}
        for half, inputs in ("encoder", E), ("decoder", E + D):
            shapes[half + ".embed.weight"] = (V, E)
            shapes[half + ".lstm.weight_ih_l0"] = (4 * H, inputs)
            shapes[half + ".lstm.weight_hh_l0"] = (4 * H, H)
            shapes[half + ".lstm.bias_ih_l0"] = shapes[half + ".lstm.bias_hh_l0"] = (4 * H,)
        shapes["decoder.trans_linear.weight"] = (H, D)
        shapes["decoder.pred_linear.weight"] = (V, H)
        rng = self.numpy.random.default_rng(self.args.seed)
        bound = lambda name: 0.1 if name.endswith("embed.weight") else 0.01
        return {name: rng.uniform(-bound(name), bound(name), shape).astype("float32") for name, shape in shapes.items()}

    def loss(self, p, x, eps):
        """The loss of a batch in nats; x (T+1, B), eps (B, D)."""
        jnp = self.jax.numpy

        def linear(name, x):
            return x @ p[name + ".weight"].T

        def lstm(half, x, h, c):
            """The states (T, B, H) of inputs x (T, B, I)."""
            bias = p[half + ".bias_ih_l0"] + p[half + ".bias_hh_l0"]
            gates = x @ p[half + ".weight_ih_l0"].T + bias  # (T, B, 4H)

            def cell(carry, gates):
                h, c = carry
                i, f, g, o = jnp.split(gates + h @ p[half + ".weight_hh_l0"].T, 4, axis=1)
                c = self.jax.nn.sigmoid(f) * c + self.jax.nn.sigmoid(i) * jnp.tanh(g)
                h = self.jax.nn.sigmoid(o) * jnp.tanh(c)
                return (h, c), h

            return self.jax.lax.scan(cell, (h, c), gates)[1]

        zero = jnp.zeros((x.shape[1], self.args.size.enc_hidden))
        last = lstm("encoder.lstm", p["encoder.embed.weight"][x], zero, zero)[-1]
        mu, logvar = jnp.split(linear("encoder.linear", last), 2, axis=1)
        kl = 0.5 * (mu**2 + jnp.exp(logvar) - logvar - 1).sum()
        z = mu + jnp.exp(0.5 * logvar) * eps
        words = p["decoder.embed.weight"][x[:-1]]  # (T, B, E)
        told = jnp.broadcast_to(z, (len(words), *z.shape))
        c0 = linear("decoder.trans_linear", z)
        h = lstm("decoder.lstm", jnp.concatenate((words, told), axis=2), jnp.tanh(c0), c0)
        logits = linear("decoder.pred_linear", h)  # (T, B, V)
        return (self.optax.softmax_cross_entropy_with_integer_labels(logits, x[1:]).sum() + kl) / x.shape[1]

    def make_update(self, kind, params):
        """The jitted step, and what it takes and gives: parameters and the optimiser's state."""
        optimizer = self.optax.chain(self.optax.clip_by_global_norm(process.CLIP), kind)

        def update(state, x, eps):
            params, moments = state
            loss, grads = self.jax.value_and_grad(self.loss)(params, x, eps)
            updates, moments = optimizer.update(grads, moments, params)
            return (self.optax.apply_updates(params, updates), moments), loss, self.optax.global_norm(grads)

        params = self.jax.device_put(params)
        return self.jax.jit(update, donate_argnums=0), (params, optimizer.init(params))

    def step(self, i):
        self.state, loss, _ = self.update(self.state, self.batches[i % len(self.batches)], self.noise(i))
        return loss.item()

    def check(self):
        weights = self.tensors(self.args.weights)
        weights = {name: weights[name].astype("float32") for name in self.state[0]}
        update, state = self.make_update(self.optax.sgd(process.CHECK_LR), weights)
        mean = self.numpy.zeros((self.args.size.batch, self.args.size.latent_dim), "float32")
        seen = []
        for x in self.batches[: process.CHECK_STEPS + 1]:
            state, loss, norm = update(state, x, mean)
            seen.append((loss.item(), norm.item()))
        return {"loss": seen[0][0], "grad_norm": seen[0][1], "later_loss": seen[-1][0]}

    def compiled(self):
        return self.update._cache_size()

    def describe(self):
        return {"threads": self.args.threads, "version": "jax " + self.jax.__version__, "kernel": "XLA"}


if __name__ == "__main__":
    process.main(Side, __doc__)
