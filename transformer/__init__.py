"""The transformer: pictures in, the landmarks of every face in them out."""
