"""The UNet whose heatmaps mark the landmarks of one face."""

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
    """Double the size, join the skip of the same size, then a double convolution."""

    def __init__(self, inputs: int, outputs: int, middle: int, bilinear: bool, bias: bool = False):
        super().__init__()
        self.up: nn.Module
        if bilinear:
            self.up = nn.Upsample(scale_factor=2, mode="bilinear", align_corners=True)
        else:
            self.up = nn.ConvTranspose2d(inputs, inputs // 2, 2, stride=2)
        self.conv = DoubleConv(inputs, outputs, middle, bias=bias)

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
    `conv_bias` are the two ways in which those differ. Any size works.
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
    ):
        super().__init__()
        w, half, b = base_width, 2 if bilinear else 1, conv_bias
        self.n_channels, self.n_classes = n_channels, n_classes
        self.bilinear, self.base_width = bilinear, base_width
        self.inc = DoubleConv(n_channels, w, bias=b)
        self.down1 = Down(w, 2 * w, b)
        self.down2 = Down(2 * w, 4 * w, b)
        self.down3 = Down(4 * w, 8 * w, b)
        self.down4 = Down(8 * w, 16 * w // half, b)

        def up(inputs: int, outputs: int) -> Up:
            middle = inputs // 2 if wide_ups else outputs
            return Up(inputs, outputs, middle, bilinear, b)

        self.up1 = up(16 * w, 8 * w // half)
        self.up2 = up(8 * w, 4 * w // half)
        self.up3 = up(4 * w, 2 * w // half)
        self.up4 = up(2 * w, w)
        self.outc = OutConv(w, n_classes)

    def forward(self, x: Tensor) -> Tensor:
        x1 = self.inc(x)  # [N, w, S, S]
        x2 = self.down1(x1)  # [N, 2w, S/2, S/2]
        x3 = self.down2(x2)  # [N, 4w, S/4, S/4]
        x4 = self.down3(x3)  # [N, 8w, S/8, S/8]
        x5 = self.down4(x4)  # [N, 8w or 16w, S/16, S/16]
        x = self.up1(x5, x4)  # [N, 4w or 8w, S/8, S/8]
        x = self.up2(x, x3)  # [N, 2w or 4w, S/4, S/4]
        x = self.up3(x, x2)  # [N, w or 2w, S/2, S/2]
        x = self.up4(x, x1)  # [N, w, S, S]
        return self.outc(x)  # [N, K, S, S]
