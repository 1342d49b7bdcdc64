"""Find what a model folder, or a file of weights, has of a network; no line of it is run here."""

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

from predictor.declaration import Declaration, DeclarationError, declare_set, read_declaration
from predictor.file_kind import CHECKPOINTS, GRAPHS, tell_kind
from predictor.landmarks import load_file
from predictor.manifest import MANIFEST_NAME, hash_file, peek_manifest
from serving.landmarks import LandmarkError

DECLARATION, LANDMARKS = "model.json", "landmarks.json"
SUFFIXES = {".pth", ".pt", ".ckpt", ".tar", ".bin", ".safetensors", ".onnx", ".pt2", ".tflite"}
CONVERTED = "converted"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a network comes from."""

    path: Path  # what the user named: a folder, or a file
    declaration: Declaration = field(default_factory=Declaration)
    kind: str = ""  # `code`, one of file_kind's, or "" where there is nothing but an artifact
    network: Path | None = None  # file of the code or of the graph; of a bare checkpoint none
    name: str = ""  # of the class in the code; "": to be found
    weights: Path | None = None
    part: str = ""  # of the weights, where the file has several networks' tensors
    said: tuple[str, ...] = field(default=(), compare=False)  # what was assumed, a sentence each

    @property
    def root(self) -> Path:
        return self.path if self.path.is_dir() else self.path.parent

    @property
    def artifact(self) -> Path:
        """The folder that a conversion writes."""
        return self.root / (CONVERTED if self.path.is_dir() else f"{self.path.stem}-{CONVERTED}")

    def digest(self) -> str:
        """Name exactly these files: the sha256 of a file alone, else of all that count."""
        if not self.kind:
            return ""
        paths = [path for path in (self.network, self.weights) if path is not None]
        if self.kind == "code":
            paths += [path for path in self.root.rglob("*.py") if not is_hidden(path, self.root)]
        paths += [path for path in list_notes(self.path) if path.is_file()]
        if self.declaration.check:
            paths.append(self.root / self.declaration.check.face)
        hashes = {path.resolve(): hash_file(path) for path in paths if path.is_file()}
        if len(hashes) == 1:
            return next(iter(hashes.values()))
        return hashlib.sha256("".join(sorted(hashes.values())).encode()).hexdigest()

    def list_artifacts(self) -> list[Path]:
        """List the artifact folders of this source, whatever their state."""
        if (self.path / MANIFEST_NAME).is_file():
            return [self.path]
        found = sorted(path.parent for path in self.root.glob(f"*/{MANIFEST_NAME}"))
        if self.path.is_dir():
            return found
        return [path for path in found if peek_manifest(path).get("source") == self.path.name]


def is_hidden(path: Path, root: Path) -> bool:
    return any(part.startswith((".", "_")) for part in path.relative_to(root).parts[:-1])


def list_notes(path: Path) -> list[Path]:
    """List where a declaration, and where a landmark set of an older release may lie."""
    if path.is_dir():
        return [path / DECLARATION, path / LANDMARKS]
    stem = path.name.removesuffix("".join(path.suffixes[-1:]))
    return [path.parent / f"{stem}.{DECLARATION}", path.parent / f"{stem}.{LANDMARKS}"]


def find_source(path: Path) -> Source:
    """Find the network of a folder or file; raises DeclarationError with one sentence."""
    path = path.parent if path.name == DECLARATION else path
    if not path.exists():
        raise DeclarationError(f"There is no model {path}: name a folder or a file of weights.")
    if path.is_dir() and (path / MANIFEST_NAME).is_file():
        return Source(path)
    declared = read_notes(path)
    if declared.network or declared.weights:
        return of_declaration(path, declared)
    return of_file(path, declared) if path.is_file() else of_folder(path, declared)


def read_notes(path: Path) -> Declaration:
    """Read the declaration, with a landmark set of an older release where there is one."""
    own, landmarks = list_notes(path)
    declared = read_declaration(own) if own.is_file() else Declaration()
    if landmarks.is_file() and declared.points is None:
        try:
            declared = declare_set(declared, load_file(landmarks))
        except LandmarkError as error:
            raise DeclarationError(f"{str(error)[0].upper()}{str(error)[1:]}.") from None
    return declared


def of_file(path: Path, declared: Declaration, folder: Path | None = None) -> Source:
    """Take a file for a network or a bare checkpoint."""
    kind = tell_kind(path)
    if kind in GRAPHS:
        return Source(folder or path, declared, kind, path)
    said = (
        f"{path.name} comes without code, so its network is taken to be predictor/unet.py (the "
        "public UNet: ReLU, max pooling, align_corners); if yours differs, put your model.py "
        'beside it: "network": "model.py:UNet"',
    )
    return Source(folder or path, declared, kind, weights=path, said=said)


def of_declaration(path: Path, declared: Declaration) -> Source:
    """Take the files that the declaration names."""
    root = path if path.is_dir() else path.parent
    named, _, part = (declared.weights or "").partition(":")
    if declared.network is None:
        return replace(of_file(root / named, declared, path), part=part)
    name, _, cls = declared.network.partition(":")
    network = root / name
    if network.suffix == ".py":
        if not network.is_file():
            raise DeclarationError(f"There is no file {network}, which model.json names.")
        weights = root / named if named else find_weights(path, root)
        return Source(path, declared, "code", network, cls, weights, part)
    kind = tell_kind(network)
    if kind not in GRAPHS:
        text = f'{network} is a checkpoint, not a network: name it as "weights" in model.json.'
        raise DeclarationError(text)
    return Source(path, declared, kind, network)


def of_folder(path: Path, declared: Declaration) -> Source:
    """Look what an undeclared folder holds."""
    code = find_code(path)
    graphs, checkpoints = sort_files(path)
    if code is not None and (checkpoints or not graphs):
        weights = find_weights(path, path)
        said = f'{code.name} and {weights.name} are taken: "network": "{code.name}:UNet", "weights"'
        return Source(path, declared, "code", code, "", weights, said=(said,))
    if len(graphs) == 1 and not checkpoints:
        return of_file(graphs[0], declared, path)
    if len(checkpoints) == 1 and not graphs:
        return of_file(checkpoints[0], declared, path)
    names = ", ".join(file.name for file in graphs + checkpoints)
    if not names:
        if any(path.glob(f"*/{MANIFEST_NAME}")):
            return Source(path, declared)
        raise DeclarationError(
            f"{path} has no network: put model.py and your checkpoint there, or a file of ONNX, "
            "TorchScript, torch.export or TFLite."
        )
    text = f'{path} has {names}: name one in model.json, as "network" or "weights".'
    raise DeclarationError(text)


def find_code(path: Path) -> Path | None:
    """Find the file of the network's class: model.py, or the only one."""
    files = sorted(path.glob("*.py"))
    own = [file for file in files if file.name == "model.py"] or files
    if len(own) > 1:
        raise DeclarationError(
            f"{path} has {', '.join(file.name for file in own)}: name the file of the network in "
            'model.json, as in "network": "model.py:UNet".'
        )
    return own[0] if own else None


def sort_files(path: Path) -> tuple[list[Path], list[Path]]:
    """Sort a folder's files into graphs and checkpoints, by their content."""
    files = sorted(file for file in path.iterdir() if file.suffix.lower() in SUFFIXES)
    kinds = {file: tell_kind(file) for file in files}
    graphs = [file for file in files if kinds[file] in GRAPHS]
    return graphs, [file for file in files if kinds[file] in CHECKPOINTS]


def find_weights(path: Path, root: Path) -> Path:
    """Find the only checkpoint of a folder, or the file that was named itself."""
    if path.is_file():
        return path
    _, checkpoints = sort_files(root)
    if len(checkpoints) == 1:
        return checkpoints[0]
    if not checkpoints:
        raise DeclarationError(
            f"{root} has code and no checkpoint: put the file of net.state_dict() there, or name "
            'it in model.json, as in "weights": "NAME".'
        )
    raise DeclarationError(
        f"{root} has {', '.join(file.name for file in checkpoints)}: name one in model.json, "
        f'as in "weights": "{checkpoints[0].name}".'
    )
