"""Export: a checkpoint becomes an artifact, the folder that an engine loads at once.

    python -m predictor.export --checkpoint models/simple_unet.pth \\
        --engine openvino-int8 --calibrate FACES --out models/unet-int8

Nothing here is served.
"""
