"""Bodies that cost a careless server more than they weigh, and what they cost ours."""
