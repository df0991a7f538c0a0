"""The transformer text VAE of internal/models/transformer.go on PyTorch, to compare speed with.

    encoder   mu, logvar = W mean_t h_t,  h = transformer(embed x_t + position t)       no bias
    decoder   h = transformer(embed x_t + position t + W z, memory_l = W_l z)
              ln p(x_{t+1} | x_{1..t}, z) = ln softmax(W h_t)                           no biases
    loss      mean over the batch of  -ln p(x|z) + KL(q(z|x) || N(0, I)),               nats

Blocks are pre-norm with GELU in its tanh form. Memory is a vector of each layer that every
word may attend to, key and value in one. Parameters have the names and layouts that vaelab
saves, which are nanoGPT's. Tensors are batch-first.
"""

import peer

import math

import torch
import torch.nn as nn
import torch.nn.functional as F


class Attention(nn.Module):
    def __init__(self, E, heads):
        super().__init__()
        self.heads = heads
        self.c_attn = nn.Linear(E, 3 * E)
        self.c_proj = nn.Linear(E, E)

    def forward(self, x, memory, mask):
        """x (B, T, E); memory (B, m, E) or None; mask (T, m+T) is added to the scores, or None."""
        B, T, E = x.shape
        q, k, v = self.c_attn(x).split(E, dim=2)
        if memory is not None:
            k, v = torch.cat((memory, k), dim=1), torch.cat((memory, v), dim=1)
        q, k, v = (t.view(B, -1, self.heads, E // self.heads).transpose(1, 2) for t in (q, k, v))
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)  # (B, heads, T, d)
        return self.c_proj(y.transpose(1, 2).reshape(B, T, E))


class MLP(nn.Module):
    def __init__(self, E, ff):
        super().__init__()
        self.c_fc = nn.Linear(E, ff * E)
        self.c_proj = nn.Linear(ff * E, E)

    def forward(self, x):
        return self.c_proj(F.gelu(self.c_fc(x), approximate="tanh"))


class Block(nn.Module):
    def __init__(self, E, heads, ff):
        super().__init__()
        self.ln_1 = nn.LayerNorm(E)
        self.attn = Attention(E, heads)
        self.ln_2 = nn.LayerNorm(E)
        self.mlp = MLP(E, ff)

    def forward(self, x, memory=None, mask=None):
        x = x + self.attn(self.ln_1(x), memory, mask)
        return x + self.mlp(self.ln_2(x))


class Stack(nn.Module):
    """What both halves have: from symbols to rows."""

    def __init__(self, s, layers, T):
        super().__init__()
        E = s.embed_dim
        self.wte = nn.Embedding(s.vocab, E)
        self.wpe = nn.Embedding(T, E)
        self.h = nn.ModuleList(Block(E, s.heads, s.ff) for _ in range(layers))
        self.ln_f = nn.LayerNorm(E)

    def embed(self, x):  # (B, T) to (B, T, E)
        return self.wte(x) + self.wpe.weight[: x.size(1)]


class Encoder(Stack):
    def __init__(self, s):
        super().__init__(s, s.enc_layers, s.length + 1)
        self.linear = nn.Linear(s.embed_dim, 2 * s.latent_dim, bias=False)

    def forward(self, x):  # (B, T+1)
        h = self.embed(x)
        for block in self.h:
            h = block(h)
        return self.linear(self.ln_f(h).mean(dim=1)).chunk(2, dim=1)  # (B, D) each


class Decoder(Stack):
    def __init__(self, s):
        super().__init__(s, s.dec_layers, s.length)
        E, D, m, T = s.embed_dim, s.latent_dim, s.memory, s.length
        self.memory = nn.ModuleList(nn.Linear(D, m * E, bias=False) for _ in self.h)
        self.add = nn.Linear(D, E, bias=False)
        self.lm_head = nn.Linear(E, s.vocab, bias=False)
        # Each word sees the memory, itself and what stands before it.
        mask = torch.full((T, m + T), -math.inf).triu(m + 1)
        self.register_buffer("mask", mask, persistent=False)

    def forward(self, z, x):
        """-ln p(x|z) summed over the batch; z (B, D), x (B, T+1)."""
        h = self.embed(x[:, :-1]) + self.add(z).unsqueeze(1)  # (B, T, E)
        for block, linear in zip(self.h, self.memory):
            memory = linear(z).view(z.size(0), -1, h.size(2))  # (B, m, E)
            h = block(h, memory, self.mask)
        logits = self.lm_head(self.ln_f(h))  # (B, T, V)
        return F.cross_entropy(logits.flatten(0, 1), x[:, 1:].flatten(), reduction="sum")


class VAE(peer.Model):
    def __init__(self, s):
        super().__init__()
        self.encoder = Encoder(s)
        self.decoder = Decoder(s)
        for name, p in self.named_parameters():  # GPT-2's
            if p.dim() == 2:
                layers = s.enc_layers if name.startswith("encoder") else s.dec_layers
                nn.init.normal_(p, std=0.02 / math.sqrt(2 * layers) if "c_proj" in name else 0.02)
            elif name.endswith("bias"):
                nn.init.zeros_(p)

    def forward(self, x, eps):
        z, kl = self.sample(*self.encoder(x), eps)
        return (self.decoder(z, x) + kl) / x.size(0)


if __name__ == "__main__":
    peer.main(VAE, __doc__)
