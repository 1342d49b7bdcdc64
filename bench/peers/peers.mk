# The service beside what people would use instead; the Makefile includes this.
#   make peers-setup                 an environment for each peer under out/peers (minutes, gigabytes)
#   make peers PEERS="--only fastapi,ours-one --rounds 1"
.PHONY: peers-setup peers

peers-setup: $(VENV)/dev.stamp
	@$(BIN)/python -m bench.peers.install

peers: $(VENV)/dev.stamp models images
	@$(BIN)/python -m bench.peers $(PEERS)
