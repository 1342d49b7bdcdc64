# The service beside what people would use instead; the Makefile includes this.
#   make peers-setup             an environment a peer under out/peers (minutes, gigabytes)
#   make peers                   three short rounds and the faults: PEERS.md
#   make peers PEERS=full        longer ones, of 4 callers as well
#   python -m bench.peers.bare   the pipeline alone, without a server
#   make peers PEERS="smoke --only fastapi,ours-one --out out/peers/smoke"
.PHONY: peers-setup peers

PEERS ?= quick

peers-setup: $(VENV)/dev.stamp
	@$(BIN)/python -m bench.peers.install

peers: $(VENV)/dev.stamp models images
	@$(BIN)/python -m bench.peers $(PEERS)
