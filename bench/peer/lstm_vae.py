"""The LSTM text VAE of internal/models/lstm.go on PyTorch, to compare speed with.

    encoder   mu, logvar = W h_T,  h = LSTM(embed x)                          no bias
    decoder   c_0 = W z,  h_0 = tanh c_0,  h = LSTM([embed x_t; z])
              ln p(x_{t+1} | x_{1..t}, z) = ln softmax(W h_t)                 no biases
    loss      mean over the batch of  -ln p(x|z) + KL(q(z|x) || N(0, I)),     nats

Parameters have the names and layouts that vaelab saves. Tensors are time-major, the layout
that torch.nn.LSTM computes in.
"""

import peer

import torch
import torch.nn as nn
import torch.nn.functional as F


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


class VAE(peer.Model):
    def __init__(self, s):
        super().__init__()
        self.encoder = Encoder(s.vocab, s.embed_dim, s.enc_hidden, s.latent_dim)
        self.decoder = Decoder(s.vocab, s.embed_dim, s.dec_hidden, s.latent_dim)
        for name, p in self.named_parameters():  # init he19 of vaelab
            bound = 0.1 if name.endswith("embed.weight") else 0.01
            nn.init.uniform_(p, -bound, bound)

    def layout(self, rows):
        return rows.t().contiguous()  # (T+1, B)

    def forward(self, x, eps):
        z, kl = self.sample(*self.encoder(x), eps)
        return (self.decoder(z, x) + kl) / x.size(1)


if __name__ == "__main__":
    peer.main(VAE, __doc__)
