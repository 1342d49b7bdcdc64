"""The tensors that go in and out, and what the 15 points are called."""

from dataclasses import dataclass

POINT_NAMES = (  # the network's output order; "left" is the subject's left
    "left_eye_center",
    "right_eye_center",
    "left_eye_inner_corner",
    "left_eye_outer_corner",
    "right_eye_inner_corner",
    "right_eye_outer_corner",
    "left_eyebrow_inner_end",
    "left_eyebrow_outer_end",
    "right_eyebrow_inner_end",
    "right_eyebrow_outer_end",
    "nose_tip",
    "mouth_left_corner",
    "mouth_right_corner",
    "mouth_center_top_lip",
    "mouth_center_bottom_lip",
)
POINTS = len(POINT_NAMES)
GRPC_SERVICE = "inference.GRPCInferenceService"  # the V2, over gRPC
GRPC_INFER = f"{GRPC_SERVICE}/ModelInfer"
EXTENSIONS = (  # to V2, as server metadata lists them
    "binary_tensor_data",
    "model_configuration",
    "model_repository",
    "statistics",
)
FACE_SIDE = 96  # pixels
FACE_SIDES = (16, 1024)  # pixels; what a caller's face may measure, it is resized


@dataclass(frozen=True, slots=True)
class TensorSpec:
    """A tensor's name, datatypes (the preferred one first) and shape, -1 being any length."""

    name: str
    datatypes: tuple[str, ...]
    shape: tuple[int, ...]

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


# [N,1|3,H,W] or [N,H,W,1|3]; [N,1,96,96] is what the network takes as it is.
FACE = TensorSpec("face", ("UINT8", "FP32", "FP16"), (-1, -1, -1, -1))
IMAGE = TensorSpec("image", ("BYTES", "UINT8"), (-1,))  # UINT8 is one picture, [H,W,3]

LANDMARKS = TensorSpec("landmarks", ("FP32",), (-1, POINTS, 2))
SCORES = TensorSpec("scores", ("FP32",), (-1, POINTS))
HEATMAPS = TensorSpec("heatmaps", ("FP32",), (-1, POINTS, FACE_SIDE, FACE_SIDE))
BOXES = TensorSpec("boxes", ("FP32",), (-1, 4))
BOX_SCORES = TensorSpec("box_scores", ("FP32",), (-1,))
IMAGE_INDEX = TensorSpec("image_index", ("INT32",), (-1,))
FACE_SCORES = TensorSpec("face_scores", ("FP32",), (-1,))
CROPS = TensorSpec("crops", ("FP32",), (-1, 2, 3))  # pixels of the picture -> of the face
