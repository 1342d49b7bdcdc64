"""Networks as people write them: one file of classes, each with its own names and habits."""

import torch
import torch.nn.functional as F
from torch import nn

K = 15


def double(i, o, norm=nn.BatchNorm2d, act=nn.ReLU):
    layers = []
    for a, b in ((i, o), (o, o)):
        layers += [nn.Conv2d(a, b, 3, padding=1), norm(b), act()]
    return nn.Sequential(*layers)


class Levels(nn.Module):
    """A UNet of any depth with any normalisation, activation, pooling and upsampling."""

    def __init__(
        self, channels=1, maps=K, width=8, depth=4, pool=nn.MaxPool2d, skip_first=True, **parts
    ):
        super().__init__()
        sizes = [width * 2**i for i in range(depth + 1)]
        self.mode, self.skip_first, self.pool = parts.pop("mode", "bilinear"), skip_first, pool(2)
        pairs = zip([channels, *sizes], sizes, strict=False)
        ups = zip(sizes[:0:-1], sizes[-2::-1], strict=True)
        self.encoder = nn.ModuleList([double(a, b, **parts) for a, b in pairs])
        self.decoder = nn.ModuleList([double(a + b, b, **parts) for a, b in ups])
        self.corners = True if self.mode == "bilinear" else None
        self.head = nn.Conv2d(width, maps, 1)

    def forward(self, x):
        skips: list = []
        for level in self.encoder:
            x = level(self.pool(x) if skips else x)
            skips.append(x)
        skips.pop()
        for level in self.decoder:
            skip = skips.pop()
            x = F.interpolate(x, size=skip.shape[2:], mode=self.mode, align_corners=self.corners)
            x = level(torch.cat([skip, x] if self.skip_first else [x, skip], 1))
        return self.head(x)


class Leaky(Levels):
    def __init__(self):
        super().__init__(act=lambda: nn.LeakyReLU(0.2), pool=nn.AvgPool2d, skip_first=False)


class FiveLevels(Levels):
    def __init__(self):
        super().__init__(depth=5, mode="nearest", act=nn.SiLU, norm=lambda n: nn.GroupNorm(4, n))


class Sigmoid(Levels):
    def forward(self, x):
        return super().forward(x).sigmoid()


class Residual(nn.Module):
    def __init__(self, i, o, stride=1):
        super().__init__()
        self.conv1, self.bn1 = nn.Conv2d(i, o, 3, stride, 1, bias=False), nn.BatchNorm2d(o)
        self.conv2, self.bn2 = nn.Conv2d(o, o, 3, 1, 1, bias=False), nn.BatchNorm2d(o)
        self.down = nn.Conv2d(i, o, 1, stride)

    def forward(self, x):
        return F.relu(self.down(x) + self.bn2(self.conv2(F.relu(self.bn1(self.conv1(x))))))


class SimpleBaseline(nn.Module):
    """A ResNet with deconvolutions, maps of stride 4."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(3, 8, 7, 2, 3), nn.ReLU(), nn.MaxPool2d(3, 2, 1))
        self.body = nn.Sequential(Residual(8, 16, 2), Residual(16, 32, 2))
        ups = [nn.ConvTranspose2d(32, 16, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(16, 16, 4, 2, 1)]
        self.up, self.final = nn.Sequential(*ups), nn.Conv2d(16, K, 1)

    def forward(self, x):
        return self.final(self.up(self.body(self.stem(x))))


class Hourglass(nn.Module):
    """Two stacks, each with maps of its own."""

    def __init__(self, maps=68):
        super().__init__()
        self.first, self.second = Levels(1, maps, 4, 2), Levels(1 + maps, maps, 4, 2)

    def forward(self, x):
        one = self.first(x)
        return [one, self.second(torch.cat([x, one], 1))]


class Stacked(Hourglass):
    def forward(self, x):
        return torch.stack(super().forward(x), 1)


class Attention(Levels):
    def __init__(self):
        super().__init__(norm=lambda n: nn.InstanceNorm2d(n, affine=True))
        self.gate = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(8, 8, 1), nn.Sigmoid())
        self.own = nn.Sequential(nn.Conv2d(8, 8, 1), nn.PReLU(), nn.Conv2d(8, K, 1))

    def forward(self, x):
        features = self.encoder[0](x)
        return super().forward(x) + self.own(features * self.gate(features))


class Nested(nn.Module):
    """Blocks in blocks, as pix2pix has them."""

    def __init__(self, depth=3, width=8, outer=True):
        super().__init__()
        inner = Nested(depth - 1, width * 2, False) if depth else nn.Identity()
        i = 1 if outer else width // 2
        self.outer = outer
        self.model = nn.Sequential(
            nn.Conv2d(i, width, 4, 2, 1),
            nn.LeakyReLU(0.2),
            inner,
            nn.ConvTranspose2d(width if not depth else 2 * width, K if outer else i, 4, 2, 1),
        )

    def forward(self, x):
        y = self.model(x)
        return y if self.outer else torch.cat([x, y], 1)


class HeatmapsAndOffsets(Levels):
    def __init__(self):
        super().__init__()
        self.offsets = nn.Conv2d(K, 2 * K, 1)

    def forward(self, x):
        y = super().forward(x)
        return {"heatmaps": y, "offsets": self.offsets(y)}


class Coordinates(nn.Module):
    """A regression to 0..1, as notebooks for 96x96 faces have it."""

    def __init__(self):
        super().__init__()
        convs = [nn.Conv2d(1, 8, 5, 4), nn.ReLU(), nn.Conv2d(8, 8, 3, 4), nn.ReLU(), nn.Flatten()]
        self.body, self.head = nn.Sequential(*convs), nn.Linear(8 * 6 * 6, 2 * K)

    def forward(self, x):
        return self.head(self.body(x)).sigmoid()


class RowsOfXAndY(Coordinates):
    def forward(self, x):
        return super().forward(x).view(-1, K, 2).transpose(1, 2)


class RowsOfThree(Coordinates):
    def forward(self, x):
        return F.pad(super().forward(x).view(-1, K, 2), (0, 1))


class Bytes(Levels):
    def forward(self, x):
        return super().forward(x / 255.0)


class OneByOne(Levels):
    def forward(self, x):
        return super().forward(x).view(1, K, 96, 96)


class NeedsArguments(Levels):
    def __init__(self, n_channels, n_classes):
        super().__init__(n_channels, n_classes)


class Raises(nn.Module):
    def __init__(self):
        raise RuntimeError("no such thing")


def not_a_module():
    return {"weights": 1}


class ThroughNumPy(Levels):
    def forward(self, x):
        return torch.from_numpy(super().forward(x).detach().numpy())


class Squeezes(Levels):
    def forward(self, x):
        return super().forward(x).squeeze(0)


class Random(Levels):
    def forward(self, x):
        return super().forward(x) + torch.randn(1)


class Broken(Levels):
    def forward(self, x):
        return super().forward(x) * float("nan")
