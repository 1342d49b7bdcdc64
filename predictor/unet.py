"""The UNet whose heatmaps mark the landmarks of one face."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from predictor.landmarks import DEFAULT


class DoubleConv(nn.Module):
    """Two 3x3 convolutions, each with BatchNorm and ReLU: `[N,i,H,W]` -> `[N,o,H,W]`."""

    def __init__(self, inputs: int, outputs: int, middle: int | None = None, bias: bool = False):
        super().__init__()
        middle = middle or outputs
        self.double_conv = nn.Sequential(
            nn.Conv2d(inputs, middle, 3, padding=1, bias=bias),
            nn.BatchNorm2d(middle),
            nn.ReLU(inplace=True),
            nn.Conv2d(middle, outputs, 3, padding=1, bias=bias),
            nn.BatchNorm2d(outputs),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        return self.double_conv(x)


class Down(nn.Module):
    """Halve the size, then a double convolution: `[N,i,H,W]` -> `[N,o,H/2,W/2]`."""

    def __init__(self, inputs: int, outputs: int, bias: bool = False):
        super().__init__()
        self.maxpool_conv = nn.Sequential(nn.MaxPool2d(2), DoubleConv(inputs, outputs, bias=bias))

    def forward(self, x: Tensor) -> Tensor:
        return self.maxpool_conv(x)


class Up(nn.Module):
    """Double the size, join the skip of the same size, then a double convolution.

    `below` and `beside` are the channels of what comes up and of the skip.
    """

    def __init__(
        self,
        below: int,
        beside: int,
        outputs: int,
        bilinear: bool,
        wide: bool = False,
        bias: bool = False,
    ):
        super().__init__()
        self.up: nn.Module
        if bilinear:
            self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        else:
            self.up = nn.ConvTranspose2d(below, below // 2, 2, stride=2)
            below //= 2
        joined = beside + below
        self.conv = DoubleConv(joined, outputs, joined // 2 if wide else outputs, bias=bias)

    def forward(self, x: Tensor, skip: Tensor) -> Tensor:
        x = self.up(x)
        dy, dx = skip.shape[2] - x.shape[2], skip.shape[3] - x.shape[3]
        if dy or dx:  # a side that is no multiple of 16 loses a row on the way down
            x = functional.pad(x, [dx // 2, dx - dx // 2, dy // 2, dy - dy // 2])
        return self.conv(torch.cat([skip, x], dim=1))


class OutConv(nn.Module):
    """One 1x1 convolution, a heatmap per landmark: `[N,i,H,W]` -> `[N,o,H,W]`."""

    def __init__(self, inputs: int, outputs: int):
        super().__init__()
        self.conv = nn.Conv2d(inputs, outputs, 1)

    def forward(self, x: Tensor) -> Tensor:
        return self.conv(x)


class UNet(nn.Module):
    """UNet with four levels: faces `[N,C,S,S]` in 0..1 -> heatmaps `[N,K,S,S]`.

    The parameter names are the ones that public UNet checkpoints use; `wide_ups` and
    `conv_bias` are the two ways in which those differ. `widths` are the channels of the nine
    double convolutions on the way; without them they double from `base_width` on. Any size works.
    Source: Ronneberger et al. 2015, arXiv:1505.04597.
    """

    def __init__(
        self,
        n_channels: int = 1,
        n_classes: int = len(DEFAULT),
        bilinear: bool = True,
        base_width: int = 32,
        wide_ups: bool = False,
        conv_bias: bool = False,
        widths: Sequence[int] = (),
    ):
        super().__init__()
        w, half, b = base_width, 2 if bilinear else 1, conv_bias
        usual = (w, 2 * w, 4 * w, 8 * w, *(n * w // half for n in (16, 8, 4, 2)), w)
        w1, w2, w3, w4, w5, w6, w7, w8, w9 = widths or usual
        self.n_channels, self.n_classes = n_channels, n_classes
        self.bilinear, self.widths = bilinear, (w1, w2, w3, w4, w5, w6, w7, w8, w9)
        self.inc = DoubleConv(n_channels, w1, bias=b)
        self.down1 = Down(w1, w2, b)
        self.down2 = Down(w2, w3, b)
        self.down3 = Down(w3, w4, b)
        self.down4 = Down(w4, w5, b)
        self.up1 = Up(w5, w4, w6, bilinear, wide_ups, b)
        self.up2 = Up(w6, w3, w7, bilinear, wide_ups, b)
        self.up3 = Up(w7, w2, w8, bilinear, wide_ups, b)
        self.up4 = Up(w8, w1, w9, bilinear, wide_ups, b)
        self.outc = OutConv(w9, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        x1 = self.inc(x)  # [N, w1, S, S]
        x2 = self.down1(x1)  # [N, w2, S/2, S/2]
        x3 = self.down2(x2)  # [N, w3, S/4, S/4]
        x4 = self.down3(x3)  # [N, w4, S/8, S/8]
        x5 = self.down4(x4)  # [N, w5, S/16, S/16]
        x = self.up1(x5, x4)  # [N, w6, S/8, S/8]
        x = self.up2(x, x3)  # [N, w7, S/4, S/4]
        x = self.up3(x, x2)  # [N, w8, S/2, S/2]
        x = self.up4(x, x1)  # [N, w9, S, S]
        return self.outc(x)  # [N, K, S, S]
