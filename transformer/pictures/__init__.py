"""Picture files to pixels, and faces drawn onto them; `picture` begins."""
