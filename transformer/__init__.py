"""The transformer: pictures in, the landmarks of every face in them out."""

import serving  # noqa: F401  keeps OpenVINO from calling home
