"""What a user builds from KServe's own samples: the service that ours is measured against."""
