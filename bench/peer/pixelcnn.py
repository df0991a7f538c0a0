"""The PixelCNN image VAE of internal/models/pixelcnn.go on PyTorch, to compare speed with.

    encoder   h = f(conv f(conv h) + conv h) for each stage, at half the size each;
              mu, logvar = W f(V h + a) + b
    decoder   h = conv_A([x; W z])                  the pixels before each pixel, all of W z
              h = h + conv_B(f(h))                  for each further kernel
              logit = W f(V f(h) + a) + b           pixel by pixel
    loss      mean over the batch of  -ln p(x|z) + KL(q(z|x) || N(0, I)),     nats

f is ELU. Masked convolutions are ordinary ones with their weights times a mask. Weights are
PyTorch's, (C', C, k, k); load makes them of vaelab's, which have no masked taps and stand tap
by tap.
"""

import peer

import math

import torch
import torch.nn as nn
import torch.nn.functional as F


def taps(k, n):
    """The first n taps in raster order, (k, k)."""
    return (torch.arange(k * k) < n).view(k, k)


class MaskedConv2d(nn.Conv2d):
    """A convolution of odd size k that sees what the mask, (C or 1, k, k), lets it see."""

    def __init__(self, C, C_out, k, mask):
        super().__init__(C, C_out, k, padding=k // 2)
        self.register_buffer("mask", mask.float(), persistent=False)

    def forward(self, x):
        return F.conv2d(x, self.weight * self.mask, self.bias, padding=self.padding)


class Stage(nn.Module):
    """Halves height and width; direct is the way past the other two."""

    def __init__(self, C, C_out):
        super().__init__()
        self.first = nn.Conv2d(C, C_out, 3, stride=2, padding=1)
        self.second = nn.Conv2d(C_out, C_out, 3, padding=1)
        self.direct = nn.Conv2d(C, C_out, 1, stride=2)

    def forward(self, h):
        inner = F.elu(self.first(h), inplace=True)
        return F.elu(self.second(inner) + self.direct(h), inplace=True)


class Encoder(nn.Module):
    def __init__(self, s):
        super().__init__()
        channels = [1] + [s.enc_channels] * s.enc_stages
        self.stage = nn.ModuleList(map(Stage, channels, channels[1:]))
        height, width = (math.ceil(n / 2**s.enc_stages) for n in (s.height, s.width))
        self.hidden = nn.Linear(s.enc_channels * height * width, s.enc_hidden)
        self.linear = nn.Linear(s.enc_hidden, 2 * s.latent_dim)

    def forward(self, x):  # (B, 1, height, width)
        for stage in self.stage:
            x = stage(x)
        h = F.elu(self.hidden(x.flatten(1)), inplace=True)
        return self.linear(h).chunk(2, dim=1)  # (B, D) each


class Decoder(nn.Module):
    def __init__(self, s):
        super().__init__()
        self.shape = (-1, s.z_maps, s.height, s.width)
        kernels = [int(k) for k in s.kernels.split(",")]
        C, k = s.channels, kernels[0]
        self.maps = nn.Linear(s.latent_dim, s.z_maps * s.height * s.width, bias=False)
        mask = torch.cat((taps(k, k * k // 2)[None], torch.ones(s.z_maps, k, k)))
        self.first = MaskedConv2d(1 + s.z_maps, C, k, mask)
        self.block = nn.ModuleDict(
            (str(i), MaskedConv2d(C, C, k, taps(k, k * k // 2 + 1)[None])) for i, k in enumerate(kernels) if i > 0
        )
        self.hidden = nn.Conv2d(C, C, 1)
        self.linear = nn.Conv2d(C, 1, 1)

    def forward(self, z, x):
        """-ln p(x|z) summed over the batch; z (B, D), x (B, 1, height, width)."""
        h = self.first(torch.cat((x, self.maps(z).view(self.shape)), dim=1))  # (B, C, height, width)
        for block in self.block.values():
            h = h + block(F.elu(h))
        logits = self.linear(F.elu(self.hidden(F.elu(h)), inplace=True))
        return F.binary_cross_entropy_with_logits(logits, x, reduction="sum")


class VAE(peer.Model):
    def __init__(self, s):
        super().__init__()
        self.size = (-1, 1, s.height, s.width)
        self.encoder = Encoder(s)
        self.decoder = Decoder(s)
        for block in self.decoder.block.values():
            used = block.mask.sum().item() * s.channels
            nn.init.normal_(block.weight, std=math.sqrt(2 / (used * (len(self.decoder.block) + 1))))
            nn.init.zeros_(block.bias)

        self.to(memory_format=torch.channels_last)  # a little faster than without

    def layout(self, rows):
        return rows.view(self.size).to(memory_format=torch.channels_last)

    def forward(self, x, eps):
        z, kl = self.sample(*self.encoder(x), eps)
        return (self.decoder(z, x) + kl) / x.size(0)

    def load(self, weights):
        """vaelab's rows of numbers stand pixel by pixel, the channels of one pixel side by side."""
        s = dict(weights)
        first = self.decoder.first
        image, z = s.pop("decoder.image.weight"), s.pop("decoder.z.weight")
        s["decoder.first.weight"] = torch.cat(
            (unmask(image, 1, first.kernel_size), unmask(z, first.in_channels - 1, first.kernel_size)), dim=1
        )
        s["decoder.first.bias"] = s.pop("decoder.z.bias")
        for name, layer in self.named_modules():
            if isinstance(layer, nn.Conv2d) and layer is not first:
                s[name + ".weight"] = unmask(s[name + ".weight"], layer.in_channels, layer.kernel_size)
        C = self.encoder.stage[-1].second.out_channels
        s["encoder.hidden.weight"] = s["encoder.hidden.weight"].unflatten(1, (-1, C)).transpose(1, 2).flatten(1)
        maps = self.decoder.shape[1]
        s["decoder.maps.weight"] = s["decoder.maps.weight"].unflatten(0, (-1, maps)).transpose(0, 1).flatten(0, 1)
        self.load_state_dict(s)


def unmask(weight, C, size):
    """(C', taps·C), the first taps in raster order, to (C', C, k, k), the others 0."""
    w = weight.unflatten(1, (-1, C))  # (C', taps, C)
    w = F.pad(w, (0, 0, 0, math.prod(size) - w.size(1)))
    return w.transpose(1, 2).unflatten(2, size)


if __name__ == "__main__":
    peer.main(VAE, __doc__)
