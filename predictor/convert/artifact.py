"""Convert a source: load it, settle what it leaves open, check it, and write its artifact."""

import shutil
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import openvino as ov

from predictor.convert import check
from predictor.convert.author import Author, TorchAuthor, load_author
from predictor.convert.faces import load_faces, load_labelled, measure_errors, vary_face
from predictor.convert.graph import build_graph, run_graph
from predictor.convert.outputs import name_points, settle_output, settle_values
from predictor.convert.settle import Plan, settle_input, try_plans
from predictor.declaration import Crop, Declaration, DeclarationError, make_set
from predictor.decode import Floats
from predictor.engines.artifact import find_version, open_artifact
from predictor.engines.base import scale_faces
from predictor.engines.choice import has_bf16
from predictor.engines.golden import load_face
from predictor.folder import Source
from predictor.landmarks import DEFAULT
from predictor.manifest import Manifest, hash_file, write_manifest
from serving.landmarks import LandmarkSet

BF16_MEAN = 0.5  # pixels; a network that bf16 moves further is not run in it


@dataclass(frozen=True, slots=True)
class Network:
    """An author's network with all that is known of it."""

    source: Source
    author: Author
    plan: Plan
    landmarks: LandmarkSet
    answers: check.Answers
    golden: Floats  # [K, 2], the author's
    said: list[str]


def load_network(source: Source, calibrate: Path | None = None) -> Network:
    """Load a network and hold its declaration against it; raises Declaration-, CheckpointError."""
    declared, said = source.declaration, list(source.said)
    author, more = load_author(source)
    said += more
    plans = settle_input(author, declared.input, said)
    pairs = {plan.channels: vary_face(plan.size, plan.channels, 2) for plan in plans}
    plan, found = try_plans(author, plans, pairs)
    if declared.input.color is None:
        said.append(f'Faces are taken to be {plan.color}: "input": {{"color": "{plan.color}"}}.')
    plan = settle_output(declared, plan, found, said)
    varied = vary_face(plan.size, plan.channels)
    step = plan.batch or 8
    calls = [author.call(plan.prepare(varied[i : i + step])) for i in range(0, len(varied), step)]
    joined = {name: np.concatenate([call[name] for call in calls]) for name in calls[0]}
    plan = settle_values(declared, plan, joined, said)
    landmarks = settle_set(declared, plan, said)
    faces = load_faces(calibrate, landmarks, plan.size) if calibrate else varied
    answers = check.ask_author(author, plan, faces)
    if declared.check:
        check.check_points(declared.check, author, plan, source.root)
    warning = check.check_scores(answers.scores, plan)
    if warning and not declared.check and declared.trust.low is None:
        if calibrate is not None or source.kind in ("checkpoint", "safetensors"):
            way_out = "put its model.py beside it" if source.weights and not source.network else ""
            raise DeclarationError(f"{warning}{'; or ' + way_out if way_out else ''}.")
        said.append(f"Warning: {warning}.")
    doubt, low = check.measure_trust(declared.trust, answers.scores)
    landmarks = landmarks.model_copy(update={"doubt": doubt, "low": low})
    golden = check.ask_author(author, plan, scale_faces(load_face(plan.size, plan.channels)))
    return Network(source, author, plan, landmarks, answers, golden.points[0], said)


def settle_set(declared: Declaration, plan: Plan, said: list[str]) -> LandmarkSet:
    """Make the landmark set that the declaration and the network's shape give."""
    points = name_points(declared, plan.points, said)
    ours = points == DEFAULT.points
    crop = declared.crop
    mirror = DEFAULT.mirror if ours else ()
    content = {
        "points": points,
        "mirror": mirror if declared.mirror is None else declared.mirror,
        "unit": declared.unit or (DEFAULT.unit if ours else None),
        "five": declared.five,
        "side": max(16, *plan.size),
        "color": "grey" if plan.color == "grey" else "rgb",
        "crop_scale": crop.scale,
        "crop_offset": crop.offset,
        "crop_by": crop.by,
        "level_eyes": crop.level_eyes,
        "border": crop.border,
        "maps": (0, 0) if plan.reader.kind == "coordinates" else None,
        "mean_face": declared.mean_face or (DEFAULT.mean_face if ours and crop == Crop() else None),
    }
    return make_set(content, "model.json")


def convert(
    source: Source,
    out: Path,
    calibrate: Path | None = None,
    engine: str = "openvino",
    command: str = "",
) -> tuple[Path, Manifest]:
    """Convert a source into an artifact and write it into a folder; gives both.

    With faces to calibrate on it is int8, unless that hurts the network. A folder that was
    there is replaced once all is well. Raises DeclarationError or CheckpointError.
    """
    network = load_network(source, calibrate)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=out.parent, prefix=".converting-") as folder:
        made = Path(folder) / "made"
        made.mkdir()
        if engine == "onnxruntime":
            manifest = write_onnx(network, made)
        else:
            manifest = write_openvino(network, made, calibrate is not None)
        manifest = manifest.model_copy(update={"command": command})
        manifest = finish(network, manifest, made, calibrate)
        if out.exists():
            shutil.rmtree(out)
        shutil.move(made, out)
    return out, manifest


def write_openvino(network: Network, folder: Path, int8: bool) -> Manifest:
    """Write the graph in OpenVINO's format; in int8 where that is asked for and does no harm."""
    graph, plan = build_graph(network.author, network.plan, network.said)
    some = network.answers.faces[: check.KEPT]
    check.check_exact(run_graph(graph, some, plan.batch or 8), network.answers)
    engine = "openvino"
    if int8:
        from predictor.convert.quantise import quantise

        quantised = quantise(graph.clone(), network.answers.faces)
        values = run_graph(quantised, some, plan.batch or 8).ravel()
        alike = float(np.corrcoef(values, network.answers.values.ravel())[0, 1])
        if alike >= check.ALIKE:
            graph, engine = quantised, "openvino-int8"
        else:
            network.said.append(
                f"int8 hurts this network (its values correlate by {alike:.3f}, {check.ALIKE} is "
                "the least): it stays in fp32, and bf16 where the CPU has it."
            )
    ov.save_model(graph, folder / "network.xml", compress_to_fp16=False)
    return describe(network, plan, folder, engine, "network.xml", "openvino")


def write_onnx(network: Network, folder: Path) -> Manifest:
    """Write the graph in ONNX, which the GPU providers of ONNX Runtime take."""
    from predictor.convert.onnx import export_onnx

    if not isinstance(network.author, TorchAuthor):
        kind = f"{network.source.path} is a {network.source.kind} file"
        made = "the onnxruntime artifact is made of a network of torch"
        raise DeclarationError(f"{kind}; {made}.")
    export_onnx(network.author, network.plan, folder / "network.onnx")
    return describe(network, network.plan, folder, "onnxruntime", "network.onnx")


def describe(
    network: Network, plan: Plan, folder: Path, engine: str, model: str, package: str = ""
) -> Manifest:
    maps = network.answers.values.shape[2:]
    landmarks = network.landmarks
    if plan.reader.kind == "heatmaps" and maps != (landmarks.side, landmarks.side):
        landmarks = landmarks.model_copy(update={"maps": maps})
    version = find_version(package) if package else None  # ONNX files are for any release
    told = {name: getattr(plan, name) for name in ("channels", "size", "batch", "reader")}
    content = {
        "engine": engine,
        "model": model,
        "files": {path.name: hash_file(path) for path in sorted(folder.iterdir())},
        "source": network.source.path.name,
        "source_sha256": network.source.digest(),
        "landmarks": landmarks,
        "golden": [[round(float(v), 3) for v in point] for point in network.golden],
        "versions": {package: version} if version else {},
    }
    return Manifest.model_validate(content | told)


def finish(network: Network, manifest: Manifest, folder: Path, labelled: Path | None) -> Manifest:
    """Load what was written, and add how far it is from the author's answers."""
    engine = open_artifact(folder, manifest)
    faces = network.answers.faces
    accuracy = check.measure_moves(engine.predict(faces)[0], network.answers)
    if labelled is not None:
        held_out, points = load_labelled(labelled, manifest.landmarks, network.plan.size)
        if len(held_out):
            accuracy["labelled_faces"] = len(held_out)
            author = check.ask_author(network.author, network.plan, held_out).points
            for key, found in (("nme", engine.predict(held_out)[0]), ("nme_author", author)):
                errors = measure_errors(found, points, manifest.landmarks.unit_points)
                accuracy[key] = round(float(errors.mean()), 5)
    golden = engine.predict(load_face(engine.size, engine.channels))[0][0]
    distance = float(np.linalg.norm(golden - np.array(manifest.golden), axis=1).max())
    bf16 = manifest.engine == "openvino"
    if bf16 and has_bf16():
        rounded = open_artifact(folder, manifest, "openvino-bf16").predict(faces)[0]
        moves = check.measure_moves(rounded, network.answers)
        bf16 = moves["pixels_mean"] <= BF16_MEAN
        accuracy |= {f"bf16_{key}": value for key, value in moves.items() if key != "faces"}
        if not bf16:
            network.said.append("bf16 moves this network's points too far: it runs in fp32.")
    seen = {"accuracy": accuracy, "golden_pixels": round(distance, 3), "bf16": bf16}
    manifest = manifest.model_copy(update={**seen, "said": tuple(network.said)})
    write_manifest(folder, manifest)
    return manifest
