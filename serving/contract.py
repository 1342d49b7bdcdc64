"""The tensors that go in and out; how many points they are of is data of the model."""

from dataclasses import dataclass, replace

from serving.landmarks import LandmarkSet

GRPC_SERVICE = "inference.GRPCInferenceService"  # the V2, over gRPC
SET_HEADER = "landmarks-set"  # of an answer: the digest of the set that it is of
ID_HEADER = "x-request-id"
GRPC_INFER = f"{GRPC_SERVICE}/ModelInfer"
GRPC_STREAM = f"{GRPC_SERVICE}/ModelStreamInfer"
GRPC_CONFIG = f"{GRPC_SERVICE}/ModelConfig"
EXTENSIONS = (  # to V2, as server metadata lists them
    "binary_tensor_data",
    "model_configuration",
    "model_repository",
    "statistics",
)
FACE_SIDES = (16, 1024)  # pixels; what a caller's face may measure, it is resized
POINTS, MAP_HEIGHT, MAP_WIDTH = "points", "map_height", "map_width"


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """A tensor's name, datatypes (the preferred one first) and shape.

    -1 is any length, POINTS, MAP_HEIGHT and MAP_WIDTH are those of the model's landmark set.
    """

    name: str
    datatypes: tuple[str, ...]
    shape: tuple[int | str, ...]

    def fit(self, landmarks: LandmarkSet | None) -> "TensorSpec":
        """Return the tensor as a model of this set has it; of none: of any length."""
        lengths: dict[int | str, int] = {POINTS: -1, MAP_HEIGHT: -1, MAP_WIDTH: -1}
        if landmarks is not None:
            height, width = landmarks.map_size
            lengths = {POINTS: len(landmarks), MAP_HEIGHT: height, MAP_WIDTH: width}
        return replace(self, shape=tuple(lengths.get(n, n) for n in self.shape))

    def describe(self) -> dict[str, object]:
        """Write the tensor as V2 model metadata."""
        return {"name": self.name, "datatype": self.datatypes[0], "shape": list(self.shape)}

    def describe_config(self, first: int) -> dict[str, object]:
        """Write the tensor as Triton's configuration does, from dimension `first` on."""
        datatype = self.datatypes[0].replace("BYTES", "STRING")
        return {
            "name": self.name,
            "data_type": f"TYPE_{datatype}",
            "dims": list(self.shape[first:]),
        }


# [N,1|3,H,W] or [N,H,W,1|3]; a face that is not as the network takes it is resized.
FACE = TensorSpec("face", ("UINT8", "FP32", "FP16"), (-1, -1, -1, -1))
IMAGE = TensorSpec("image", ("BYTES", "UINT8"), (-1,))  # UINT8 is one picture, [H,W,3]
OWN_BOXES = TensorSpec("boxes", ("FP32",), (-1, 4))  # the caller's
BOX_IMAGE_INDEX = TensorSpec("box_image_index", ("INT32", "INT64"), (-1,))
PREVIOUS = TensorSpec("previous", ("FP32",), (-1, POINTS, 2))  # of the frame before

LANDMARKS = TensorSpec("landmarks", ("FP32",), (-1, POINTS, 2))
SCORES = TensorSpec("scores", ("FP32",), (-1, POINTS))
HEATMAPS = TensorSpec("heatmaps", ("FP32",), (-1, POINTS, MAP_HEIGHT, MAP_WIDTH))
BOXES = TensorSpec("boxes", ("FP32",), (-1, 4))
BOX_SCORES = TensorSpec("box_scores", ("FP32",), (-1,))
IMAGE_INDEX = TensorSpec("image_index", ("INT32",), (-1,))
FACE_SCORES = TensorSpec("face_scores", ("FP32",), (-1,))
FACE_IDS = TensorSpec("face_ids", ("INT32",), (-1,))  # rows of `previous`, -1 for a new face
CROPS = TensorSpec("crops", ("FP32",), (-1, 2, 3))  # pixels of the picture -> of the face
# On request, of each face; docs/api.md says what each is, and is not.
ALIGNED = TensorSpec("aligned", ("UINT8",), (-1, -1, -1, 3))
ALIGNED_MAPS = TensorSpec("aligned_maps", ("FP32",), (-1, 2, 3))  # pixels of the picture -> of it
POSE = TensorSpec("pose", ("FP32",), (-1, 3))  # degrees: yaw, pitch, roll
SHARPNESS = TensorSpec("sharpness", ("FP32",), (-1,))
BRIGHTNESS = TensorSpec("brightness", ("FP32",), (-1,))  # 0..1
EYE_DISTANCE = TensorSpec("eye_distance", ("FP32",), (-1,))  # pixels of the picture
INSIDE = TensorSpec("inside", ("FP32",), (-1,))  # 0..1
